using System.Buffers;
using System.Text;
using Sluice.Engine.Io;
using Sluice.Native.Memory;
using Sluice.Native.Uring;

namespace Sluice.Bench;

/// <summary>Large reads of what is not in memory: through the page cache and past it, several at a time, each file read once after the caches were dropped.</summary>
internal static class ColdReadBench
{
    private const int PieceBytes = 1 << 20;

    public static async Task RunAsync(UringFileIo ring, RingLoop loop, string directory)
    {
        using FileHandle root = FileIoBench.Checked(await ring.OpenRootAsync(directory));
        foreach (int mebibytes in (int[])[1, 10])
        {
            int files = 100 / mebibytes;
            for (int i = 0; i < files; i++)
            {
                await FillAsync(ring, root, Name(mebibytes, i), mebibytes);
            }

            foreach (int depth in (int[])[1, 4])
            {
                var sums = new MeasuredRun[2];
                foreach (int kind in (int[])[0, 1, 1, 0])
                {
                    await File.WriteAllTextAsync("/proc/sys/vm/drop_caches", "3");
                    MeasuredRun run = await MeasuredRun.OfAsync(
                        files * mebibytes, () => loop.RunAsync(() => ReadAllAsync(ring, root, mebibytes, files, depth, isDirect: kind == 1)));
                    sums[kind] = sums[kind].Operations == 0 ? run : sums[kind].With(run);
                }

                Console.WriteLine($"{mebibytes,3} MiB, {depth} pieces at a time; an operation is 1 MiB");
                Console.WriteLine($"  through the cache {sums[0]}");
                Console.WriteLine($"  past it           {sums[1]}");
            }

            for (int i = 0; i < files; i++)
            {
                await ring.UnlinkAsync(root, Name(mebibytes, i), EntryKind.File);
            }
        }
    }

    private static byte[] Name(int mebibytes, int index) => Encoding.ASCII.GetBytes($"cold-{mebibytes}-{index}");

    private static async Task FillAsync(IFileIo io, FileHandle root, byte[] name, int mebibytes)
    {
        var piece = new byte[PieceBytes];
        using FileHandle file = FileIoBench.Checked(await io.OpenAsync(root, name, OpenIntent.CreateNew));
        for (int i = 0; i < mebibytes; i++)
        {
            FileIoBench.Require((await io.WriteFullyAsync(file, new ReadOnlySequence<byte>(piece), (long)i * PieceBytes)).Ok);
        }

        FileIoBench.Require((await io.SyncAsync(file)).Ok);
    }

    private static async ValueTask<int> ReadAllAsync(IFileIo io, FileHandle root, int mebibytes, int files, int depth, bool isDirect)
    {
        using var slab = new BufferSlab(PieceBytes, depth);
        for (int i = 0; i < files; i += Math.Max(1, depth / mebibytes))
        {
            var handles = new List<FileHandle>();
            for (int j = i; j < Math.Min(files, i + Math.Max(1, depth / mebibytes)); j++)
            {
                handles.Add(FileIoBench.Checked(await io.OpenAsync(root, Name(mebibytes, j), OpenIntent.Read)));
            }

            var pieces = new Queue<(FileHandle File, long Offset)>(
                handles.SelectMany(file => Enumerable.Range(0, mebibytes).Select(piece => (file, (long)piece * PieceBytes))));
            await Task.WhenAll(Enumerable.Range(0, depth).Select(_ => ReadSomeAsync(io, slab, pieces, isDirect)));
            handles.ForEach(handle => handle.Dispose());
        }

        return 0;
    }

    private static async Task ReadSomeAsync(IFileIo io, BufferSlab slab, Queue<(FileHandle File, long Offset)> pieces, bool isDirect)
    {
        FileIoBench.Require(slab.TryRent(out BufferLease lease));
        using (lease)
        {
            while (pieces.TryDequeue(out (FileHandle File, long Offset) piece))
            {
                int done = 0;
                while (done < PieceBytes)
                {
                    Memory<byte> rest = lease.Memory[done..];
                    int read = FileIoBench.Checked(
                        isDirect ? await io.ReadColdAsync(piece.File, rest, piece.Offset + done) : await io.ReadAsync(piece.File, rest, piece.Offset + done));
                    FileIoBench.Require(read > 0);
                    done += read;
                }
            }
        }
    }
}
