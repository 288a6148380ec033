using System.Runtime.InteropServices;

namespace Sluice.Native.Sqlite;

/// <summary>Imports of SQLite: linked statically into the AOT binary (Native.targets), a shared object under the JIT (LibraryResolver.cs). Each is on sqlite.org/c3ref.</summary>
internal static unsafe partial class SqliteImports
{
    internal const string Library = "sqlite3";

    internal const int SQLITE_OK = 0;
    internal const int SQLITE_ROW = 100;
    internal const int SQLITE_DONE = 101;
    internal const int SQLITE_OPEN_READWRITE = 0x2;
    internal const int SQLITE_OPEN_CREATE = 0x4;
    internal const int SQLITE_OPEN_NOMUTEX = 0x8000;
    internal const nint SQLITE_STATIC = 0;

    [LibraryImport(Library)]
    internal static partial int sqlite3_open_v2(byte* path, out nint database, int flags, byte* vfs);

    [LibraryImport(Library)]
    internal static partial int sqlite3_close_v2(nint database);

    [LibraryImport(Library)]
    internal static partial int sqlite3_exec(nint database, byte* sql, nint callback, nint argument, nint message);

    [LibraryImport(Library)]
    internal static partial int sqlite3_prepare_v2(nint database, byte* sql, int bytes, out nint statement, nint tail);

    [LibraryImport(Library)]
    internal static partial int sqlite3_finalize(nint statement);

    [LibraryImport(Library)]
    internal static partial int sqlite3_reset(nint statement);

    [LibraryImport(Library)]
    internal static partial int sqlite3_step(nint statement);

    [LibraryImport(Library)]
    internal static partial int sqlite3_bind_blob(nint statement, int index, byte* value, int bytes, nint destructor);

    [LibraryImport(Library)]
    internal static partial int sqlite3_bind_int64(nint statement, int index, long value);

    [LibraryImport(Library)]
    internal static partial byte* sqlite3_column_blob(nint statement, int column);

    [LibraryImport(Library)]
    internal static partial int sqlite3_column_bytes(nint statement, int column);

    [LibraryImport(Library)]
    internal static partial long sqlite3_column_int64(nint statement, int column);
}
