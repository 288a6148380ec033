using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

// Libraries come from the system's own path, never from the working directory.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]

// The ring beneath the loop, and what an old kernel would answer, are tested by themselves; the bench drives a bare ring.
[assembly: InternalsVisibleTo("Sluice.Native.Tests")]
[assembly: InternalsVisibleTo("Sluice.Bench")]
