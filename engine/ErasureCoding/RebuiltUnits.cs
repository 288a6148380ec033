using Sluice.Native.Memory;

namespace Sluice.Engine.ErasureCoding;

/// <summary>Which unit: of the slices of that generation, which no other object has.</summary>
internal readonly record struct UnitKey(ulong Generation, ulong Digest, int Stripe, int Slice);

/// <summary>
/// Units that were rebuilt from others, kept a while in bounded memory: a reader takes its bytes in pieces, and several readers may want the same. Who
/// asks first rebuilds, the others wait for it. A unit is held only while its bytes are copied, never while a client takes them, so the queue for memory
/// always moves. Any thread.
/// </summary>
internal sealed class RebuiltUnits(long bytes) : IDisposable
{
    private readonly BufferArena _arena = new(bytes);
    private readonly Lock _gate = new();
    private readonly Dictionary<UnitKey, Unit> _units = []; // guarded by _gate, and so are the units
    private readonly LinkedList<Unit> _byUse = []; // the least recently used first
    private TaskCompletionSource _released = NewSignal();

    /// <summary>Bytes that are taken.</summary>
    public long RentedBytes => _arena.RentedBytes;

    /// <summary>Copies a part of a unit of <paramref name="unitBytes"/> into the buffer; <paramref name="rebuild"/> writes the unit when it is not there.</summary>
    public async ValueTask<Result> ReadAsync(UnitKey key, int unitBytes, int from, Memory<byte> buffer, Func<Memory<byte>, ValueTask<Result>> rebuild)
    {
        Unit unit = Hold(key, out bool isMine);
        try
        {
            if (isMine)
            {
                await FillAsync(unit, unitBytes, rebuild);
            }

            Result filled = await unit.Filled.Task;
            if (filled.Ok)
            {
                unit.Range!.Memory.Slice(from, buffer.Length).CopyTo(buffer);
            }

            return filled;
        }
        finally
        {
            LetGo(unit);
        }
    }

    /// <summary>Forgets everything. Nobody may be reading.</summary>
    public void Dispose()
    {
        foreach (Unit unit in _units.Values)
        {
            unit.Range?.Dispose();
        }

        _units.Clear();
        _byUse.Clear();
        _arena.Dispose();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Unit Hold(UnitKey key, out bool isMine)
    {
        lock (_gate)
        {
            isMine = !_units.TryGetValue(key, out Unit? unit);
            if (unit is null)
            {
                unit = new Unit(key);
                unit.Place = _byUse.AddLast(unit);
                _units.Add(key, unit);
            }
            else
            {
                _byUse.Remove(unit.Place!);
                _byUse.AddLast(unit.Place!);
            }

            unit.Holders++;
            return unit;
        }
    }

    private async ValueTask FillAsync(Unit unit, int unitBytes, Func<Memory<byte>, ValueTask<Result>> rebuild)
    {
        try
        {
            unit.Range = await RentAsync(unitBytes);
            unit.Filled.SetResult(await rebuild(unit.Range.Memory));
        }
        catch (Exception exception)
        {
            unit.Filled.TrySetException(exception); // whoever waits for it gets the same
            _ = unit.Filled.Task.Exception;
            throw;
        }
    }

    private async ValueTask<ArenaRange> RentAsync(int unitBytes)
    {
        while (true)
        {
            Task released;
            lock (_gate)
            {
                released = _released.Task;
                if (TryRent(unitBytes) is { } range)
                {
                    return range;
                }
            }

            await released;
        }
    }

    /// <summary>Gives up what nobody holds, the least recently used first, until there is room.</summary>
    private ArenaRange? TryRent(int unitBytes)
    {
        LinkedListNode<Unit>? next = _byUse.First;
        while (true)
        {
            if (_arena.TryRent(unitBytes, out ArenaRange? range))
            {
                return range;
            }

            while (next is not null && next.Value.Holders > 0)
            {
                next = next.Next;
            }

            if (next is null)
            {
                return null;
            }

            Unit idle = next.Value;
            next = next.Next;
            Drop(idle);
        }
    }

    private void LetGo(Unit unit)
    {
        lock (_gate)
        {
            unit.Holders--;
            if (unit.Holders > 0)
            {
                return;
            }

            if (!unit.Filled.Task.IsCompletedSuccessfully || !unit.Filled.Task.Result.Ok)
            {
                Drop(unit); // the next one tries again
            }

            _released.SetResult();
            _released = NewSignal();
        }
    }

    private void Drop(Unit unit)
    {
        _units.Remove(unit.Key);
        _byUse.Remove(unit.Place!);
        unit.Range?.Dispose();
        unit.Range = null;
    }

    private sealed class Unit(UnitKey key)
    {
        public UnitKey Key => key;

        public TaskCompletionSource<Result> Filled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public LinkedListNode<Unit>? Place { get; set; }

        public ArenaRange? Range { get; set; }

        public int Holders { get; set; }
    }
}
