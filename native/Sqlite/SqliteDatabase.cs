using System.Runtime.InteropServices;
using System.Text;

namespace Sluice.Native.Sqlite;

/// <summary>
/// An open SQLite database. One user at a time, whatever the thread. It takes no locks on its file: whoever opens one is alone with it. Statements are disposed before it.
/// </summary>
public sealed unsafe class SqliteDatabase : SafeHandle
{
    private static readonly byte[] s_withoutLocks = "unix-none\0"u8.ToArray();

    private SqliteDatabase(nint database)
        : base(0, ownsHandle: true)
    {
        SetHandle(database);
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Opens a file by path; with <paramref name="create"/> makes it when it is not there. Its content is looked at with the first statement.</summary>
    public static SqliteError Open(string path, bool create, out SqliteDatabase? database)
    {
        int flags = SqliteImports.SQLITE_OPEN_READWRITE | SqliteImports.SQLITE_OPEN_NOMUTEX | (create ? SqliteImports.SQLITE_OPEN_CREATE : 0);
        fixed (byte* text = Encoding.UTF8.GetBytes(path + '\0'))
        fixed (byte* vfs = s_withoutLocks)
        {
            // SAFETY: both texts end with NUL and are pinned for the call.
            int code = SqliteImports.sqlite3_open_v2(text, out nint opened, flags, vfs);
            database = new SqliteDatabase(opened); // a failed open leaves something to close
            if (code == SqliteImports.SQLITE_OK)
            {
                return SqliteError.None;
            }

            database.Dispose();
            database = null;
            return (SqliteError)code;
        }
    }

    /// <summary>Runs statements that answer nothing, or whose answer nobody wants.</summary>
    public SqliteError Execute(string sql)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        fixed (byte* text = Encoding.UTF8.GetBytes(sql + '\0'))
        {
            // SAFETY: the text ends with NUL and is pinned for the call; the database is open.
            return (SqliteError)SqliteImports.sqlite3_exec(handle, text, 0, 0, 0);
        }
    }

    /// <summary>Compiles one statement.</summary>
    public SqliteError Prepare(string sql, out SqliteStatement? statement)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        fixed (byte* text = Encoding.UTF8.GetBytes(sql + '\0'))
        {
            // SAFETY: the text ends with NUL and is pinned for the call; the database is open.
            int code = SqliteImports.sqlite3_prepare_v2(handle, text, -1, out nint prepared, 0);
            statement = code == SqliteImports.SQLITE_OK ? new SqliteStatement(prepared) : null;
            return (SqliteError)code;
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => SqliteImports.sqlite3_close_v2(handle) == SqliteImports.SQLITE_OK;
}

/// <summary>Result codes of SQLite (sqlite.org/rescode.html) that are told apart; others pass through as numbers.</summary>
public enum SqliteError
{
    /// <summary>Done, or no further row.</summary>
    None = 0,

    /// <summary>SQLITE_ERROR: the statement does not fit the database.</summary>
    Generic = 1,

    /// <summary>SQLITE_IOERR.</summary>
    Io = 10,

    /// <summary>SQLITE_CORRUPT.</summary>
    Corrupt = 11,

    /// <summary>SQLITE_FULL.</summary>
    Full = 13,

    /// <summary>SQLITE_CANTOPEN.</summary>
    CannotOpen = 14,

    /// <summary>SQLITE_NOTADB.</summary>
    NotADatabase = 26,
}
