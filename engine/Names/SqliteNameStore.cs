using Sluice.Native.Sqlite;

namespace Sluice.Engine.Names;

/// <summary>
/// One database. Its verbs run on the thread pool, each with the connection to itself; a long one lets others in between. There is no journal and nothing is synced before it is sealed: after a crash the file is thrown away. An
/// error that it meets, a full disk included, leaves it unusable.
/// </summary>
internal sealed class SqliteNameStore(SqliteNameStores owner, string path) : INameStore
{
    private const int Format = 1; // user_version of the database
    private const int RowsAtOnce = 256; // of changes, before somebody who reads is let in: a millisecond

    private readonly Lock _gate = new(); // never held across an await
    private SqliteDatabase? _database; // from here on guarded by the gate; null: resting or closed
    private SqliteStatement? _read;
    private SqliteStatement? _set;
    private SqliteStatement? _remove;
    private SqliteStatement? _addMissing;
    private bool _isBusy; // in the midst of a transaction
    private bool _isClosed;

    /// <inheritdoc/>
    public async ValueTask ReadAsync(ReadOnlyMemory<byte> from, ReadOnlyMemory<byte> prefix, int countMax, NameRows rows) =>
        await Task.Run(() => Read(from.Span, prefix.Span, countMax, rows));

    /// <inheritdoc/>
    public async ValueTask ApplyAsync(NameDelta changes, bool keepGone) => await Task.Run(() => Change(changes, onlyMissing: false, keepGone));

    /// <inheritdoc/>
    public async ValueTask AddMissingAsync(NameDelta found) => await Task.Run(() => Change(found, onlyMissing: true, keepGone: true));

    /// <inheritdoc/>
    public async ValueTask DropGoneAsync() => await Task.Run(() => Execute($"DELETE FROM names WHERE value = {NameValue.Gone}"));

    /// <inheritdoc/>
    public async ValueTask SealAsync(Guid stamp) => await Task.Run(() => Execute(
        $"PRAGMA synchronous=FULL; BEGIN; DELETE FROM seal; INSERT INTO seal VALUES(x'{stamp:N}', 0); COMMIT; PRAGMA synchronous=OFF"));

    /// <inheritdoc/>
    public void Dispose()
    {
        owner.Forget(this);
        lock (_gate)
        {
            _isClosed = true;
            Close();
        }
    }

    /// <summary>Opens what was sealed with that stamp; a sentence when it is not that.</summary>
    internal string? TryOpen(Guid stamp)
    {
        lock (_gate)
        {
            if (Connect(create: false) is var error && error != SqliteError.None)
            {
                return $"SQLite: {error}";
            }

            var seals = new Seals();
            error = _database!.Prepare("SELECT stamp, (SELECT user_version FROM pragma_user_version()) FROM seal WHERE ?1 IS NOT NULL AND ?2 = 0", out SqliteStatement? statement);
            using (statement)
            {
                error = error == SqliteError.None ? statement!.Query(default, 0, ref seals) : error;
            }

            return error != SqliteError.None ? $"SQLite: {error}"
                : seals.Version != Format ? $"its format is {seals.Version}; this version knows {Format}"
                : seals.Stamp != stamp ? "it is not what was sealed last"
                : null;
        }
    }

    /// <summary>Makes the tables in a file that is not there.</summary>
    internal void Create()
    {
        lock (_gate)
        {
            Check(Connect(create: true), "create");
        }
    }

    /// <summary>Closes the connection until the next use; false when somebody is at it.</summary>
    internal bool TryRest()
    {
        if (!_gate.TryEnter())
        {
            return false;
        }

        try
        {
            if (_isBusy)
            {
                return false;
            }

            Close();
            return true;
        }
        finally
        {
            _gate.Exit();
        }
    }

    private void Read(ReadOnlySpan<byte> from, ReadOnlySpan<byte> prefix, int countMax, NameRows rows)
    {
        lock (_gate)
        {
            Use();
            var sink = new Taker(rows, prefix, countMax);
            Check(_read!.Query(from, countMax, ref sink), "read");
            rows.IsCut |= rows.Count == countMax;
        }
    }

    private void Change(NameDelta changes, bool onlyMissing, bool keepGone)
    {
        int at = changes.FirstFrom(default);
        for (bool isFirst = true; at != 0; isFirst = false)
        {
            lock (_gate)
            {
                Use();
                _isBusy = true;
                Check(isFirst ? _database!.Execute("BEGIN") : SqliteError.None, "begin");
                for (int i = 0; i < RowsAtOnce && at != 0; i++, at = changes.Next(at))
                {
                    bool removes = changes.ValueAt(at) == NameValue.Gone && !keepGone;
                    SqliteStatement statement = onlyMissing ? _addMissing! : removes ? _remove! : _set!;
                    Check(statement.Run(changes.NameAt(at), changes.ValueAt(at), numbers: removes ? 0 : 1), "change");
                }

                Check(at == 0 ? _database!.Execute("COMMIT") : SqliteError.None, "commit");
                _isBusy = at != 0;
            }
        }
    }

    private void Execute(string sql)
    {
        lock (_gate)
        {
            Use();
            Check(_database!.Execute(sql), "execute");
        }
    }

    /// <summary>Opens it when it rests.</summary>
    private void Use()
    {
        owner.Touch(this);
        if (_database is null)
        {
            Check(_isClosed ? SqliteError.CannotOpen : Connect(create: false), "open");
        }
    }

    private SqliteError Connect(bool create)
    {
        owner.Touch(this);
        SqliteError error = SqliteDatabase.Open(path, create, out _database);
        error = error != SqliteError.None ? error : _database!.Execute(
            "PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-1024; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=OFF");
        error = error != SqliteError.None || !create ? error : _database!.Execute(
            $"PRAGMA user_version={Format}; CREATE TABLE names(name BLOB PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID; CREATE TABLE seal(stamp BLOB, spare INTEGER)");
        error = error != SqliteError.None ? error : _database!.Prepare("SELECT name, value FROM names WHERE name >= ?1 ORDER BY name LIMIT ?2", out _read);
        error = error != SqliteError.None ? error : _database!.Prepare("INSERT OR REPLACE INTO names VALUES(?1, ?2)", out _set);
        error = error != SqliteError.None ? error : _database!.Prepare("DELETE FROM names WHERE name = ?1", out _remove);
        error = error != SqliteError.None ? error : _database!.Prepare("INSERT OR IGNORE INTO names VALUES(?1, ?2)", out _addMissing);
        if (error != SqliteError.None)
        {
            Close();
        }

        return error;
    }

    private void Close()
    {
        _read?.Dispose();
        _set?.Dispose();
        _remove?.Dispose();
        _addMissing?.Dispose();
        _database?.Dispose();
        (_read, _set, _remove, _addMissing, _database) = (null, null, null, null, null);
    }

    private void Check(SqliteError error, string verb)
    {
        if (error != SqliteError.None)
        {
            _isClosed = true; // half a change may be in it
            Close();
            throw new NameStoreException($"{path}: SQLite answered {error} on {verb}");
        }
    }

    private readonly ref struct Taker(NameRows rows, ReadOnlySpan<byte> prefix, int countMax) : ISqliteRows
    {
        private readonly ReadOnlySpan<byte> _prefix = prefix;

        public bool Add(ReadOnlySpan<byte> blob, long number)
        {
            if (!blob.StartsWith(_prefix))
            {
                return false;
            }

            rows.Add(blob, number);
            return rows.Count < countMax;
        }
    }

    private struct Seals : ISqliteRows
    {
        public Guid Stamp { get; private set; }

        public long Version { get; private set; }

        public bool Add(ReadOnlySpan<byte> blob, long number)
        {
            Stamp = blob.Length == 16 ? new Guid(blob, bigEndian: true) : default;
            Version = number;
            return true;
        }
    }
}
