using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native.Sqlite;

namespace Sluice.Engine.Names;

/// <summary>
/// Stores in SQLite, a file each: <c>.sluice/index/&lt;bid&gt;.db</c>. At most <see cref="OpenMax"/> of them are open at a time, those that were used last.
/// </summary>
public sealed class SqliteNameStores(ILogger log) : INameStores
{
    /// <summary>Databases that are open at once: 24 x (1 MiB of pages and some 100 KiB), 27 MB.</summary>
    public const int OpenMax = 24;

    private readonly Lock _gate = new();
    private readonly List<SqliteNameStore> _open = []; // used last: last. Guarded by the gate

    /// <inheritdoc/>
    public async ValueTask<INameStore?> OpenAsync(ObjectDisk disk, ulong bid, Guid stamp)
    {
        var store = new SqliteNameStore(this, PathOf(disk, bid));
        string? problem = await Task.Run(() => store.TryOpen(stamp));
        if (problem is null)
        {
            return store;
        }

        log.LogWarning("mountpath {Mountpath}: the index of names {Bid:x16} is made again: {Problem}", disk.Path, bid, problem);
        store.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public async ValueTask<INameStore> CreateAsync(ObjectDisk disk, ulong bid)
    {
        await RemoveAsync(disk, bid);
        var store = new SqliteNameStore(this, PathOf(disk, bid));
        await Task.Run(store.Create);
        return store;
    }

    /// <inheritdoc/>
    public async ValueTask RemoveAsync(ObjectDisk disk, ulong bid)
    {
        IoResult<DirectoryLease> acquired = await disk.Directories.AcquireAsync(NameMarks.DirectoryPath, DirectoryUse.CreateDurable);
        if (acquired.Ok)
        {
            using DirectoryLease directory = acquired.Value;
            await disk.Io.UnlinkAsync(directory.Handle, FileOf(bid), EntryKind.File); // one that stays is refused, or replaced, when it is opened
        }
    }

    /// <summary>The file's name.</summary>
    internal static byte[] FileOf(ulong bid) => Encoding.ASCII.GetBytes(bid.ToString("x16", CultureInfo.InvariantCulture) + ".db");

    /// <summary>It is used now; whoever has not been for longest is closed when there are too many. The caller has the store to himself.</summary>
    internal void Touch(SqliteNameStore used)
    {
        lock (_gate)
        {
            if (_open.Count > 0 && _open[^1] == used)
            {
                return;
            }

            _open.Remove(used);
            for (int i = 0; _open.Count >= OpenMax && i < _open.Count;)
            {
                if (_open[i].TryRest())
                {
                    _open.RemoveAt(i);
                }
                else
                {
                    i++; // somebody is at it
                }
            }

            _open.Add(used);
        }
    }

    /// <summary>It is closed for good.</summary>
    internal void Forget(SqliteNameStore closed)
    {
        lock (_gate)
        {
            _open.Remove(closed);
        }
    }

    private static string PathOf(ObjectDisk disk, ulong bid) =>
        $"{disk.Path}/{Encoding.ASCII.GetString(NameMarks.DirectoryPath.Span)}/{Encoding.ASCII.GetString(FileOf(bid))}";
}
