using System.Runtime.InteropServices;

namespace Sluice.Native.Sqlite;

/// <summary>A compiled statement: run, reset, run again. Nothing of it allocates. One user at a time, the database's.</summary>
public sealed unsafe class SqliteStatement : SafeHandle
{
    internal SqliteStatement(nint statement)
        : base(0, ownsHandle: true)
    {
        SetHandle(statement);
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Runs it with a blob as its first and numbers as its further parameters, when it answers no row.</summary>
    public SqliteError Run(ReadOnlySpan<byte> first, long second = 0, int numbers = 0)
    {
        fixed (byte* value = &MemoryMarshal.GetReference(first))
        {
            byte empty = 0;

            // SAFETY: the blob is pinned until the statement is reset below; an empty one is a blob and not NULL.
            int code = SqliteImports.sqlite3_bind_blob(handle, 1, value is null ? &empty : value, first.Length, SqliteImports.SQLITE_STATIC);
            code = code == SqliteImports.SQLITE_OK && numbers > 0 ? SqliteImports.sqlite3_bind_int64(handle, 2, second) : code;
            code = code == SqliteImports.SQLITE_OK ? SqliteImports.sqlite3_step(handle) : code;
            _ = SqliteImports.sqlite3_reset(handle);
            return code is SqliteImports.SQLITE_DONE or SqliteImports.SQLITE_ROW ? SqliteError.None : (SqliteError)code;
        }
    }

    /// <summary>
    /// Runs it with a blob as its first and a number as its second parameter, and feeds its rows, a blob and a number, to <paramref name="sink"/> as long as that wants more.
    /// </summary>
    public SqliteError Query<TSink>(ReadOnlySpan<byte> first, long second, ref TSink sink)
        where TSink : ISqliteRows, allows ref struct
    {
        fixed (byte* value = &MemoryMarshal.GetReference(first))
        {
            byte empty = 0;

            // SAFETY: the blob is pinned until the statement is reset below; a column's bytes are SQLite's until the next step, which comes after Add.
            int code = SqliteImports.sqlite3_bind_blob(handle, 1, value is null ? &empty : value, first.Length, SqliteImports.SQLITE_STATIC);
            code = code == SqliteImports.SQLITE_OK ? SqliteImports.sqlite3_bind_int64(handle, 2, second) : code;
            while (code is SqliteImports.SQLITE_OK or SqliteImports.SQLITE_ROW && (code = SqliteImports.sqlite3_step(handle)) == SqliteImports.SQLITE_ROW)
            {
                byte* blob = SqliteImports.sqlite3_column_blob(handle, 0);
                if (!sink.Add(new ReadOnlySpan<byte>(blob, SqliteImports.sqlite3_column_bytes(handle, 0)), SqliteImports.sqlite3_column_int64(handle, 1)))
                {
                    code = SqliteImports.SQLITE_DONE;
                    break;
                }
            }

            _ = SqliteImports.sqlite3_reset(handle);
            return code == SqliteImports.SQLITE_DONE ? SqliteError.None : (SqliteError)code;
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        _ = SqliteImports.sqlite3_finalize(handle); // answers the last run's error once more
        return true;
    }
}

/// <summary>Takes the rows of a query.</summary>
public interface ISqliteRows
{
    /// <summary>One row; the blob is gone after the call. False: no more rows are wanted.</summary>
    bool Add(ReadOnlySpan<byte> blob, long number);
}
