using System.Text;
using Sluice.Loader.Flags;
using Sluice.Loader.Names;

namespace Sluice.Loader.Work;

/// <summary>
/// The one place that decides what is requested, and when that is over. Shared by all loops: a decision is a few hundred nanoseconds under
/// its monitor, and with one loop nobody waits for it. With one loop, the same seed makes the same run.
/// </summary>
public sealed class WorkSource
{
    private readonly LoadOptions _options;
    private readonly bool _namesJoin;

    // Guarded by _gate.
    private readonly Lock _gate = new();
    private readonly NameTable _names;
    private readonly NameGetter? _getter;
    private readonly NewNames _newNames;
    private readonly OperationChooser _chooser;
    private readonly int _listedCount;
    private SplitMix _sizes;
    private long _puts;
    private long _putBytes;
    private readonly List<(string Name, string UploadId)> _left = [];

    // Any thread.
    private long _multipartStored;
    private volatile bool _isOver;

    /// <summary>A source over the names that are there; <paramref name="getter"/> is null when there never are any to read.</summary>
    public WorkSource(LoadOptions options, NameTable names, NameGetter? getter)
    {
        _options = options;
        _names = names;
        _getter = getter;
        _listedCount = names.Count;
        _namesJoin = getter is RandomNames or RandomUniqueNames && options.PercentPut < 100;
        _newNames = new NewNames(
            options.Subdirectory,
            options.SubdirectoryCount,
            options.RandomNames,
            new LoaderId(options.LoaderId, options.LoaderIdBits),
            SplitMix.Mix(options.Seed ^ options.LoaderId));
        _chooser = new OperationChooser(
            options.PercentPut, options.PercentMultipart, options.PercentStream, options.PercentUpdate, SplitMix.Mix(options.Seed + 1));
        _sizes = new SplitMix(SplitMix.Mix(options.Seed + 2));
    }

    /// <summary>True when nothing more is to be requested.</summary>
    public bool IsOver => _isOver;

    /// <summary>Objects that were stored in parts, those of the warm-up too. Any thread.</summary>
    public long MultipartStored => Interlocked.Read(ref _multipartStored);

    /// <summary>Ends the run: from now on there is nothing to do. Any thread.</summary>
    public void Stop() => _isOver = true;

    /// <summary>Chooses the next request; false when the run is over. Any thread; the operation is the caller's.</summary>
    public bool TryNext(Operation operation)
    {
        lock (_gate)
        {
            if (_isOver || (_options.Epochs > 0 && _getter is { } getter && getter.Passes >= _options.Epochs))
            {
                _isOver = true;
                return false;
            }

            Choice choice = _names.Count == 0 || _getter is null ? _chooser.NextPut() : _chooser.Next();
            return choice is Choice.Put or Choice.Multipart ? TryPut(operation, choice) : TryGet(operation, choice);
        }
    }

    /// <summary>Turns a GET that has succeeded into the PUT of the same name; false when the run's bounds of PUTs are met.</summary>
    public bool TryUpdate(Operation operation)
    {
        lock (_gate)
        {
            operation.IsUpdate = false;
            operation.IsNew = false;
            return !_isOver && TryTakePut(operation, Choice.Put);
        }
    }

    /// <summary>A PUT has succeeded: its name may be read from now on.</summary>
    public void Stored(Operation operation)
    {
        if (operation.Kind == OperationKind.Multipart)
        {
            Interlocked.Increment(ref _multipartStored);
        }

        if (operation.IsNew && _namesJoin)
        {
            lock (_gate)
            {
                _names.TryAdd(operation.Name); // a full table goes on with the names that it has
            }
        }
    }

    /// <summary>An upload is open whose worker does not end it. Any thread.</summary>
    /// <param name="operation">What it was for.</param>
    /// <param name="uploadId">Its id, as it stands in a request target.</param>
    public void Left(Operation operation, ReadOnlySpan<byte> uploadId)
    {
        (string, string) upload = (Text(operation.Name), Text(uploadId));
        lock (_gate)
        {
            _left.Add(upload);
        }

        static string Text(ReadOnlySpan<byte> escaped) => Uri.UnescapeDataString(Encoding.ASCII.GetString(escaped));
    }

    /// <summary>The uploads that are open and have no worker; it is the caller who ends them. Any thread.</summary>
    public IReadOnlyList<(string Name, string UploadId)> TakeLeft()
    {
        lock (_gate)
        {
            (string, string)[] left = [.. _left];
            _left.Clear();
            return left;
        }
    }

    private bool TryPut(Operation operation, Choice choice)
    {
        if (!TryTakePut(operation, choice))
        {
            return false;
        }

        operation.SetName(_newNames);
        (operation.IsUpdate, operation.IsNew, operation.IsOwn) = (false, true, true);
        return true;
    }

    private bool TryGet(Operation operation, Choice choice)
    {
        int index = _getter!.Next(_names.Count);
        operation.SetName(_names[index]);
        operation.Kind = choice == Choice.Stream ? OperationKind.Stream : OperationKind.Get;
        (operation.IsUpdate, operation.IsNew) = (choice == Choice.Update, false);
        operation.IsOwn = _options.Verify && (_options.VerifyAllNames || index >= _listedCount || NewNames.IsOwn(operation.Name));
        return true;
    }

    private bool TryTakePut(Operation operation, Choice choice)
    {
        if ((_options.PutsMax > 0 && _puts >= _options.PutsMax) || (_options.PutBytesMax > 0 && _putBytes >= _options.PutBytesMax))
        {
            _isOver = true;
            return false;
        }

        long size = _options.BytesMin + (long)_sizes.Below((ulong)(_options.BytesMax - _options.BytesMin) + 1);
        _puts++;
        _putBytes += size;
        operation.PutBytes = size;
        operation.Parts = (int)Math.Min(_options.MultipartChunks, size); // a part may not be empty
        operation.Kind = choice == Choice.Multipart && operation.Parts > 0 ? OperationKind.Multipart : OperationKind.Put;
        return true;
    }
}
