using Microsoft.Extensions.Logging;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Native;

namespace Sluice.Engine.Names;

/// <summary>
/// Makes the index from the directories, beside writers. What they change meanwhile goes into it as always, only that a removal stays as a row, and what the directories say counts for
/// names that it has no row of: a file that was looked at before it was changed says nothing any more.
/// </summary>
internal sealed partial class BucketNames
{
    private bool _mustBeginAgain; // guarded by the gate

    /// <summary>Makes it unless it is trusted; true when it was made. Throws <see cref="StorageException"/> when the disk fails.</summary>
    public async Task<bool> MakeAsync(CancellationToken stop)
    {
        if (await LoadAsync())
        {
            return false;
        }

        bool isMade = false;
        try
        {
            INameStore? store = await TryBeginMakingAsync(stop);
            if (store is not null)
            {
                await ReadDirectoriesAsync(store, stop);
                isMade = await EndMakingAsync(store);
            }
        }
        catch (NameStoreException exception)
        {
            owner.Log.LogWarning("mountpath {Mountpath}, bucket {Bucket}: the index of names could not be made: {Problem}", _disk.Path, bucket.Name, exception.Message);
        }
        finally
        {
            await (isMade ? default : GiveUpAsync());
        }

        return isMade;
    }

    private async ValueTask<INameStore?> TryBeginMakingAsync(CancellationToken stop)
    {
        await _turn.WaitAsync(CancellationToken.None);
        try
        {
            if (stop.IsCancellationRequested || _isForgotten)
            {
                return null;
            }

            _store?.Dispose();
            _store = null;
            await NameMarks.RemoveAsync(_disk, bucket.Bid);
            Volatile.Write(ref _isMarked, 1);
            _store = await owner.Stores.CreateAsync(_disk, bucket.Bid);
            lock (_gate)
            {
                _state = _isForgotten ? IndexState.Untrusted : IndexState.Building;
                _mustBeginAgain = false;
                return _isForgotten ? null : _store;
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private async ValueTask<bool> EndMakingAsync(INameStore store)
    {
        await _turn.WaitAsync();
        try
        {
            if (_store != store)
            {
                return false; // forgotten
            }

            await ApplyAsync(keepGone: true);
            await store.DropGoneAsync();
            lock (_gate)
            {
                _state = _isForgotten || _mustBeginAgain || _state != IndexState.Building ? IndexState.Untrusted : IndexState.Trusted;
                return _state == IndexState.Trusted;
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>What was made in part is of no use, and its room may be wanted.</summary>
    private async ValueTask GiveUpAsync()
    {
        await _turn.WaitAsync();
        try
        {
            lock (_gate)
            {
                Distrust();
                _failedAt = Math.Max(owner.Time.GetTimestamp(), 1);
            }

            _store?.Dispose();
            _store = null;
            await owner.Stores.RemoveAsync(_disk, bucket.Bid);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async ValueTask ReadDirectoriesAsync(INameStore store, CancellationToken stop)
    {
        var found = new NameDelta();
        var directories = new Stack<(byte[] Path, byte[] Start)>();
        directories.Push((bucket.Objects.ToArray(), []));
        while (directories.TryPop(out (byte[] Path, byte[] Start) next))
        {
            IoResult<FileHandle> opened = await _disk.Io.OpenAsync(_disk.Root, next.Path, OpenIntent.Directory);
            if (opened.Error is Errno.ENOENT or Errno.ENOTDIR)
            {
                continue; // removed meanwhile, or a bucket without objects here
            }

            using FileHandle directory = _disk.Check(opened, "open", next.Path);
            var part = new FoundPart(bucket.Bid, next.Path, next.Start, found, directories);
            while (!part.IsAtEnd)
            {
                stop.ThrowIfCancellationRequested();
                _disk.Check(await _disk.Io.ListPartAsync(directory, part), "getdents", next.Path);
                part.CheckSeen(_disk);
                if (found.Count >= 8 * _changesAtOnce)
                {
                    await AddFoundAsync(store, found);
                }
            }
        }

        await AddFoundAsync(store, found);
    }

    private static async ValueTask AddFoundAsync(INameStore store, NameDelta found)
    {
        await store.AddMissingAsync(found);
        found.Clear();
    }

    /// <summary>Takes a part of a directory: the names of its files with their values, and the directories below it.</summary>
    private sealed class FoundPart(ulong bid, byte[] path, byte[] start, NameDelta found, Stack<(byte[] Path, byte[] Start)> directories) : DirectoryPart(XattrName.Record)
    {
        private readonly byte[] _name = new byte[(2 * ObjectName.BytesMax) + 2];
        private Errno _failed;

        public void CheckSeen(ObjectDisk disk)
        {
            if (_failed != Errno.None)
            {
                throw disk.Fault("getxattr", _failed, path);
            }
        }

        public override void Add(ReadOnlySpan<byte> name, EntryKind kind, ReadOnlySpan<byte> value, Errno error)
        {
            ComponentKind component = NameCodec.ReadComponent(name, out ReadOnlySpan<byte> raw);
            if (component == ComponentKind.Invalid || start.Length + raw.Length + 1 > _name.Length)
            {
                return; // nobody's
            }

            start.CopyTo(_name, 0);
            raw.CopyTo(_name.AsSpan(start.Length));
            int length = start.Length + raw.Length;
            bool isPiece = component == ComponentKind.Piece;
            if (kind == EntryKind.Directory || error == Errno.EISDIR)
            {
                Descend(name, length, isPiece);
            }

            bool isLeaf = component == ComponentKind.OwnLeaf;
            if (kind == EntryKind.File && error != Errno.ENOENT && !isPiece && start.Length + raw.Length > 0)
            {
                AddName(_name.AsSpan(0, isLeaf ? start.Length - 1 : length), value, error);
            }
        }

        private void Descend(ReadOnlySpan<byte> name, int length, bool isPiece)
        {
            _name[length] = (byte)'/';
            if (_name[0] != 0) // the files of uploads are nobody's names
            {
                directories.Push(([.. path, (byte)'/', .. name], _name.AsSpan(0, isPiece ? length : length + 1).ToArray()));
            }
        }

        private void AddName(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, Errno error)
        {
            if (name.IsEmpty || name[0] == 0)
            {
                return;
            }

            if (error is not (Errno.None or Errno.ENODATA or Errno.ERANGE or Errno.EISDIR))
            {
                _failed = error;
                return;
            }

            ObjectMetadata? metadata = null;
            bool isOurs = error == Errno.None && MetadataRecord.TryParse(value, out metadata, out _) && metadata.Bid == bid
                && metadata.Kind is RecordKind.Object or RecordKind.Stripe;
            found.Set(name, isOurs ? NameValue.Of(metadata!) : NameValue.Unknown);
        }
    }
}
