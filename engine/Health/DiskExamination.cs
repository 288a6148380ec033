using System.Buffers;
using System.Globalization;
using System.Text;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Health;

/// <summary>
/// The tests of one mountpath (contract: storage §8): is the path still the file system that was opened, can files on it be read past the page
/// cache, can new ones be written and flushed. A full file system is not an unfit one: writes there are refused by other means.
/// </summary>
internal sealed class DiskExamination(AttachedDisk attached, HealthOptions options, TimeProvider time)
{
    private const int TestBytes = 64 << 10;
    private const int Passes = 2;
    private const int DirectoriesMax = 64; // that are looked into for files to read

    private static readonly TimeSpan s_statRetry = TimeSpan.FromSeconds(1);

    private static readonly byte[] s_identity = Encoding.ASCII.GetBytes(MountpathIdentity.Kind);

    private readonly ObjectDisk _disk = attached.Disk;

    /// <summary>What the process or the machine is short of: it says nothing of a drive.</summary>
    public static bool IsShortage(Errno error) => error is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM;

    /// <summary>What makes it unfit, in a sentence; null when it passes.</summary>
    public async Task<string?> RunAsync(ReadOnlyMemory<byte> suspect)
    {
        IoResult<FileStatus> root = await _disk.Io.StatAsync(_disk.Root);
        if (!root.Ok)
        {
            await Task.Delay(s_statRetry, time);
            root = await _disk.Io.StatAsync(_disk.Root);
            if (!root.Ok)
            {
                return $"its root does not answer ({root.Error} on statx)";
            }
        }

        if (await IdentityProblemAsync() is { } swapped)
        {
            return swapped;
        }

        int errors = 0;
        Errno last = Errno.None;
        List<byte[]> files = await SomeFilesAsync();
        if (!suspect.IsEmpty)
        {
            files.Insert(0, suspect.ToArray());
        }

        for (int pass = 0; pass < Passes; pass++)
        {
            foreach (byte[] file in files)
            {
                Count(await ReadAsync(file));
            }

            for (int i = 0; i < options.TestFiles; i++)
            {
                Count(await WriteAsync($"health.{i.ToString(CultureInfo.InvariantCulture)}", TestBytes));
            }

            if (errors >= options.ErrorLimit)
            {
                return $"{errors} tests failed, the last with {last}";
            }
        }

        return null;

        void Count(Errno error)
        {
            bool counts = error is not (Errno.None or Errno.ENOSPC or Errno.EDQUOT) && !IsShortage(error);
            errors += counts ? 1 : 0;
            last = counts ? error : last;
        }
    }

    /// <summary>Why the path is not the mountpath that was opened: another file system, an empty one, another drive, or nothing. Null when it is.</summary>
    public async Task<string?> IdentityProblemAsync()
    {
        IoResult<FileHandle> opened = await _disk.Io.OpenRootAsync(_disk.Path);
        if (!opened.Ok)
        {
            return IsShortage(opened.Error) ? null : $"its path cannot be opened ({opened.Error})";
        }

        using FileHandle root = opened.Value;
        IoResult<FileStatus> status = await _disk.Io.StatAsync(root);
        if (!status.Ok)
        {
            return $"its path does not answer ({status.Error} on statx)";
        }

        if (status.Value.Device != attached.Mountpath.Device || status.Value.Inode != attached.Mountpath.Inode)
        {
            return "another file system is mounted at its path, or none";
        }

        IoResult<FileHandle> system = await DocumentFiles.OpenSystemAsync(_disk.Io, root, make: false);
        if (!system.Ok)
        {
            return IsShortage(system.Error) ? null : $"its identity cannot be read ({system.Error} on .sluice)";
        }

        using FileHandle directory = system.Value;
        IoResult<FileHandle> document = await _disk.Io.OpenAsync(directory, s_identity, OpenIntent.Read);
        if (!document.Ok)
        {
            return IsShortage(document.Error) ? null : $"its identity cannot be read ({document.Error} on .sluice/{MountpathIdentity.Kind})";
        }

        using FileHandle file = document.Value;
        (ReadOnlyMemory<byte>? json, string? problem) = await DocumentFiles.ReadAsync(_disk.Io, MountpathIdentity.Kind, file);
        if (json is not { } bytes)
        {
            return $"its identity cannot be read ({problem})";
        }

        (MountpathIdentity? identity, problem) = MountpathIdentity.Parse(bytes.Span);
        return identity is null ? $"its identity cannot be read ({problem})"
            : identity.Uuid == attached.Mountpath.Uuid ? null
            : $"it has the identity {identity.Uuid} now";
    }

    /// <summary>Writes a file, flushes it, and removes it.</summary>
    public async Task<Errno> WriteAsync(string name, int bytes)
    {
        byte[] utf8 = Encoding.ASCII.GetBytes(name);
        FileHandle system = attached.Mountpath.System;
        IoResult<FileHandle> created = await _disk.Io.OpenAsync(system, utf8, OpenIntent.CreateNew);
        created = created.Error == Errno.EEXIST ? await _disk.Io.OpenAsync(system, utf8, OpenIntent.ReadWrite) : created; // left by a crash
        if (!created.Ok)
        {
            return created.Error;
        }

        using FileHandle file = created.Value;
        IoResult done = await _disk.Io.WriteFullyAsync(file, new ReadOnlySequence<byte>(new byte[bytes]), 0);
        done = done.Ok ? await _disk.Io.SyncAsync(file) : done;
        IoResult removed = await _disk.Io.UnlinkAsync(system, utf8, EntryKind.File);
        return done.Ok ? removed.Error : done.Error;
    }

    private async Task<Errno> ReadAsync(byte[] path)
    {
        IoResult<FileHandle> opened = await _disk.Io.OpenAsync(_disk.Root, path, OpenIntent.Read);
        if (!opened.Ok)
        {
            return opened.Error is Errno.ENOENT or Errno.ENOTDIR or Errno.EISDIR ? Errno.None : opened.Error; // removed meanwhile
        }

        using FileHandle file = opened.Value;
        using BlockBuffers.Rented buffer = await _disk.Blocks.RentAsync();
        IoResult<int> read = await _disk.Io.ReadColdAsync(file, buffer.Memory[..TestBytes], 0);
        return read.Error;
    }

    /// <summary>The first files that are met: a walk that ends early. Its errors are the tests' to find.</summary>
    private async Task<List<byte[]>> SomeFilesAsync()
    {
        List<byte[]> files = [];
        var directories = new Stack<byte[]>();
        directories.Push([]);
        for (int looked = 0; looked < DirectoriesMax && files.Count < options.TestFiles && directories.TryPop(out byte[]? path); looked++)
        {
            IoResult<FileHandle> opened = path.Length == 0 ? await _disk.Io.OpenRootAsync(_disk.Path) : await _disk.Io.OpenAsync(_disk.Root, path, OpenIntent.Directory);
            if (!opened.Ok)
            {
                continue;
            }

            using FileHandle directory = opened.Value;
            var entries = new Entries();
            await _disk.Io.ListAsync(directory, entries);
            foreach ((byte[] name, EntryKind kind) in entries.All)
            {
                byte[] child = path.Length == 0 ? name : [.. path, (byte)'/', .. name];
                if (kind == EntryKind.Directory && (path.Length > 0 || name[0] == (byte)'@'))
                {
                    directories.Push(child);
                }
                else if (kind == EntryKind.File && files.Count < options.TestFiles)
                {
                    files.Add(child);
                }
            }
        }

        return files;
    }

    private sealed class Entries : IEntrySink
    {
        private const int EntriesMax = 256;

        public List<(byte[] Name, EntryKind Kind)> All { get; } = [];

        public void Add(ReadOnlySpan<byte> name, EntryKind kind)
        {
            if (All.Count < EntriesMax)
            {
                All.Add((name.ToArray(), kind));
            }
        }
    }
}
