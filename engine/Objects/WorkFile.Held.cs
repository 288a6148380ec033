using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Io;
using Sluice.Engine.Pooling;

namespace Sluice.Engine.Objects;

/// <summary>A work file while it is in memory alone (docs/decisions/0014-small-puts.md).</summary>
public sealed partial class WorkFile
{
    private bool _isHeld;
    private byte[] _held = []; // grows with the largest body that was held, to Limits.HeldBodyBytesMax
    private int _heldBytes;
    private byte[] _record = [];
    private int _recordBytes;

    /// <summary>What is made of it.</summary>
    private WholeFile Whole => new()
    {
        Directory = Directory,
        Name = Name,
        Data = _held.AsMemory(0, _heldBytes),
        Attribute = XattrName.Record,
        Value = _record.AsMemory(0, _recordBytes),
    };

    private bool TryHold(in ReadOnlySequence<byte> data, long offset)
    {
        if (offset != _heldBytes || data.Length > Limits.HeldBodyBytesMax - offset)
        {
            return false;
        }

        int end = _heldBytes + (int)data.Length;
        if (end > _held.Length)
        {
            Array.Resize(ref _held, (int)BitOperations.RoundUpToPowerOf2((uint)end));
        }

        data.CopyTo(_held.AsSpan(_heldBytes));
        _heldBytes = end;
        return true;
    }

    /// <summary>There is more than is held: a file like any other from here on.</summary>
    private async ValueTask WriteBehindHeldAsync(ReadOnlySequence<byte> data, long offset)
    {
        Enter(_bucket!);
        try
        {
            await OpenAsync(OpenIntent.CreateNew, "create");
            _isHeld = false;
        }
        finally
        {
            _bucket!.Leave();
        }

        await WriteToFileAsync(new ReadOnlySequence<byte>(_held, 0, _heldBytes), 0);
        await WriteToFileAsync(data, offset);
    }

    /// <summary>A held file becomes one, whatever else is done to it then. The caller is inside the bucket.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<WholeFileResult> MakeAsync(WholeFile file)
    {
        Invariant.That(_recordBytes > 0, "a file that is held is made when its record is known");
        (_exists, _isHeld) = (true, false);
        WholeFileResult made = await Disk.Io.MakeAsync(file);
        _exists = made.Ok || made.Step != WholeFileStep.Create;
        return made;
    }

    /// <summary>The same, durable but for its name.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask MakeSyncedAsync(ILogger log)
    {
        WholeFileResult made = await MakeAsync(Whole with { IsSynced = true });
        if (!made.Ok)
        {
            if (made.Step == WholeFileStep.Seal && IsWorthKeeping(made.Error))
            {
                await QuarantineAsync(log);
            }

            throw Fault(made);
        }
    }

    private StorageException Fault(WholeFileResult made) => Disk.Fault(
        made.Step switch { WholeFileStep.Create => "create", WholeFileStep.Write => "write", _ => "setxattr and fsync" }, made.Error, Path.Span);
}
