using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Sluice.Native.Codecs;
using Sluice.Native.Sqlite;

namespace Sluice.Native;

/// <summary>
/// Where the JIT finds what Native.targets links into the AOT binary: there imports are direct and nobody asks. An assembly has one resolver.
/// </summary>
internal static class LibraryResolver
{
#pragma warning disable CA2255 // a resolver has to be set before the first import of the assembly, whichever it is
    [ModuleInitializer]
    internal static void Set() => NativeLibrary.SetDllImportResolver(typeof(LibraryResolver).Assembly, Load);
#pragma warning restore CA2255

    private static nint Load(string name, Assembly assembly, DllImportSearchPath? path) => name switch
    {
        XxHashImports.Library => NativeLibrary.Load("libxxhash.so.0", assembly, path), // of Debian's libxxhash0
        SqliteImports.Library => NativeLibrary.Load("libsqlite3.so.0", assembly, path), // of Debian's libsqlite3-0
        GaloisImports.Library => NativeLibrary.Load(Path.Combine(AppContext.BaseDirectory, "libsluicegf.so")), // made by Gf.targets
        _ => 0,
    };
}
