using System.Runtime.InteropServices;

namespace Sluice.Native.Uring;

/// <summary>The three system calls, which glibc has no wrapper for.</summary>
internal static unsafe partial class UringImports
{
    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial long io_uring_setup(long number, uint entries, SetupParameters* parameters);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial long io_uring_enter(long number, int ring, uint submit, uint wait, uint flags, void* argument, nuint argumentBytes);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial long io_uring_register(long number, int ring, uint operation, void* argument, uint count);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int eventfd(uint initial, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint write(SafeHandle descriptor, void* buffer, nuint count);
}
