using System.Runtime.InteropServices;

// Libraries come from the system's own path, never from the working directory.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
