using System.Buffers;
using System.Text;
using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Simulation.Tests.Disk;

/// <summary>One verb drawn from a few names, and all that it answered as text, so that two disks can be compared.</summary>
public static class RandomVerb
{
    private static readonly string[] s_names = ["a", "b", "c", "d"];
    private static readonly string[] s_directories = ["", "a", "b", "a/b"];

    public static async Task<string> RunAsync(IFileIo io, FileHandle root, Random random)
    {
        (string from, string fromName) = (s_directories[random.Next(4)], s_names[random.Next(4)]);
        (string to, string toName) = (s_directories[random.Next(4)], s_names[random.Next(4)]);
        int verb = random.Next(10);
        string text = $"{verb} {from}/{fromName} {to}/{toName}: ";
        IoResult<FileHandle> first = await OpenAsync(io, root, from);
        IoResult<FileHandle> second = await OpenAsync(io, root, to);
        using FileHandle? one = first.Ok ? first.Value : null;
        using FileHandle? other = second.Ok ? second.Value : null;
        if (one is null || other is null)
        {
            return text + $"{first.Error} {second.Error}";
        }

        byte[] source = Encoding.ASCII.GetBytes(fromName);
        byte[] target = Encoding.ASCII.GetBytes(toName);
        return text + (verb switch
        {
            0 => await WrittenAsync(io, one, source, OpenIntent.CreateNew, random),
            1 => await WrittenAsync(io, one, source, OpenIntent.ReadWrite, random),
            2 => (await io.MakeDirectoryAsync(one, source)).Error.ToString(),
            3 when !Contains(from, fromName, to) && !Contains(to, toName, from) => (await io.RenameAsync(one, source, other, target, RenameMode.Replace)).Error.ToString(),
            4 when !Contains(from, fromName, to) => (await io.RenameAsync(one, source, other, target, RenameMode.NoReplace)).Error.ToString(),
            5 when !Contains(from, fromName, to) && !Contains(to, toName, from) =>
                (await io.RenameAsync(one, source, other, target, RenameMode.Exchange)).Error.ToString(),
            6 => (await io.LinkAsync(one, source, other, target)).Error.ToString(),
            7 => (await io.UnlinkAsync(one, source, random.Next(2) == 0 ? EntryKind.File : EntryKind.Directory)).Error.ToString(),
            8 => await StatusAsync(io, one, source),
            _ => await ListedAsync(io, one),
        });
    }

    /// <summary>
    /// A directory cannot move into itself (EINVAL), nor anything over what holds it (ENOTEMPTY); the engine never asks, so it is not
    /// asked here.
    /// </summary>
    private static bool Contains(string directory, string name, string other) =>
        (other + "/").StartsWith((directory.Length == 0 ? name : $"{directory}/{name}") + "/", StringComparison.Ordinal);

    private static ValueTask<IoResult<FileHandle>> OpenAsync(IFileIo io, FileHandle root, string path) => path.Length == 0
        ? io is SimulatedDisk ? io.OpenRootAsync("/sim/0") : io.OpenAsync(root, "."u8.ToArray(), OpenIntent.Directory)
        : io.OpenAsync(root, Encoding.ASCII.GetBytes(path), OpenIntent.Directory);

    private static async Task<string> WrittenAsync(IFileIo io, FileHandle directory, byte[] name, OpenIntent intent, Random random)
    {
        IoResult<FileHandle> opened = await io.OpenAsync(directory, name, intent);
        if (!opened.Ok)
        {
            return opened.Error.ToString();
        }

        using FileHandle file = opened.Value;
        var data = new byte[random.Next(9000)];
        random.NextBytes(data);
        long offset = random.Next(3) * 100;
        Errno written = (await io.WriteFullyAsync(file, new ReadOnlySequence<byte>(data), offset)).Error;
        Errno set = (await io.SetXattrAsync(file, XattrName.Record, data.AsMemory(0, Math.Min(data.Length, 60)))).Error;
        byte[] read = (await io.ReadFileAsync(file, 1 << 20)).Value;
        var attribute = new byte[100];
        IoResult<int> got = await io.GetXattrAsync(file, XattrName.Record, attribute);
        IoResult<int> none = await io.GetXattrAsync(file, XattrName.Target, attribute);
        IoResult<int> tight = await io.GetXattrAsync(file, XattrName.Record, attribute.AsMemory(0, 10));
        return $"{written} {set} {read.Length} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(read))} {got} {none.Error} {tight.Error}";
    }

    private static async Task<string> StatusAsync(IFileIo io, FileHandle directory, byte[] name)
    {
        IoResult<FileStatus> status = await io.StatAtAsync(directory, name);
        return !status.Ok ? status.Error.ToString()
            : status.Value.Kind == EntryKind.Directory ? "directory"
            : $"{status.Value.SizeBytes} bytes, {status.Value.Links} names";
    }

    private static async Task<string> ListedAsync(IFileIo io, FileHandle directory)
    {
        var names = new Names();
        Errno error = (await io.ListAsync(directory, names)).Error;
        return $"{error} {string.Join(' ', names.Entries.Order(StringComparer.Ordinal))}";
    }

    private sealed class Names : IEntrySink
    {
        public List<string> Entries { get; } = [];

        public void Add(ReadOnlySpan<byte> name, EntryKind kind) => Entries.Add($"{Encoding.ASCII.GetString(name)}:{kind}");
    }
}
