using System.Text;
using Sluice.Engine.Chunks;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests.Histories;

/// <summary>
/// What lies on the disks of a machine that was stopped in order, all mountpaths in service and everything repaired: each object as often as its bucket
/// wants, and nothing else. No work file, kept file, tombstone, old generation, part without an object, marker of a job, trash.
/// </summary>
public sealed class TreeSurvey(HistoryWorld world)
{
    private const string Heads = "%ob/", Sidecars = "%sc/", Slices = "%ec/";

    private static readonly string[] s_documents = [".sluice/identity", ".sluice/state", ".sluice/bmd", ".sluice/lock"];
    private readonly List<(string Bucket, string Name, long Bytes)> _heads = [];
    private readonly List<(string Bucket, Manifest Manifest)> _notes = [];
    private readonly List<(string Bucket, ulong Digest)> _sidecars = [];
    private readonly List<(string Bucket, ulong Digest)> _slices = [];

    public void Run()
    {
        foreach ((string path, SimulatedInode inode) in world.Machine.Host.Disk.Tree())
        {
            Sort(path, path[(path.IndexOf('/', 5) + 1)..], inode); // "/sim/0/" is the mountpath
        }

        foreach (BucketModel bucket in world.Buckets.Where(bucket => bucket.Names is not null))
        {
            foreach ((string name, NameModel model) in bucket.Names!)
            {
                ObjectState? state = model.Visible.Single();
                if (state is not null && UploadOf(bucket, name) is { } manifest)
                {
                    CompareChunked(bucket, name, state, manifest);
                }
                else
                {
                    Compare(bucket, name, state?.Content.Length, state is { HasSidecar: true });
                }
            }
        }

        HistoryWorld.Refuse(_heads.Count + _sidecars.Count + _slices.Count == 0, "leak",
            $"of no object: heads {string.Join(' ', _heads)}, sidecars {string.Join(' ', _sidecars)}, slices {string.Join(' ', _slices)}");
    }

    private void Sort(string path, string below, SimulatedInode inode)
    {
        if (!below.StartsWith("@ais/", StringComparison.Ordinal))
        {
            bool isKnown = inode.Kind == EntryKind.Directory
                ? below is ".sluice" or ".sluice/trash" or ".sluice/quarantine" or ".sluice/index" or "@ais"
                : s_documents.Contains(below) || below.StartsWith(".sluice/quarantine/", StringComparison.Ordinal)
                    || (below.StartsWith(".sluice/index/", StringComparison.Ordinal) && below.EndsWith(".clean", StringComparison.Ordinal));
            HistoryWorld.Refuse(isKnown, "leak", path);
            return;
        }

        string[] parts = below.Split('/', 3); // @ais, the bucket, what is in it
        HistoryWorld.Refuse(world.Buckets.Any(bucket => bucket.Plan.Name == parts[1] && bucket.Names is not null), "leak", path);
        if (inode.Kind == EntryKind.Directory)
        {
            return; // empty ones are used or pruned with the next file in them
        }

        string inside = parts[2];
        if (inside.StartsWith(Heads, StringComparison.Ordinal))
        {
            string name = Decoded(inside[Heads.Length..], path);
            _heads.Add((parts[1], name, inode.Data.Length));
            if (ChunkName.TryRead(Encoding.UTF8.GetBytes(name), out ChunkName file) && file.Number == 0 && ManifestRecord.TryParse(inode.Data.ToArray(), out Manifest? manifest, out _))
            {
                _notes.Add((parts[1], manifest));
            }
        }
        else if (inside.StartsWith(Sidecars, StringComparison.Ordinal) && SidecarFiles.TryReadName(Encoding.Latin1.GetBytes(inside[Sidecars.Length..]), out ulong digest, out _))
        {
            _sidecars.Add((parts[1], digest));
        }
        else if (inside.StartsWith(Slices, StringComparison.Ordinal) && PartName.TryRead(PartKind.Slice, Encoding.Latin1.GetBytes(inside[Slices.Length..]), out PartName part))
        {
            _slices.Add((parts[1], part.Digest));
        }
        else
        {
            throw new HistoryViolationException("leak", path);
        }
    }

    private static string Decoded(string encoded, string path)
    {
        string plain = encoded.EndsWith("/%o", StringComparison.Ordinal) ? encoded[..^3] : encoded;
        var name = new byte[plain.Length];
        Assert.True(NameCodec.TryDecode(Encoding.Latin1.GetBytes(plain), name, out int bytes), path);
        return Encoding.UTF8.GetString(name.AsSpan(0, bytes));
    }

    /// <summary>What the note of an upload says that became the object of that name; null when none did.</summary>
    private Manifest? UploadOf(BucketModel bucket, string name) =>
        _notes.FirstOrDefault(note => note.Bucket == bucket.Plan.Name && note.Manifest.Name.ToString() == name && note.Manifest.State == ManifestState.Complete).Manifest;

    private void CompareChunked(BucketModel bucket, string name, ObjectState state, Manifest manifest)
    {
        HistoryWorld.Refuse(manifest.SizeBytes == state.Content.Length, "old", $"{bucket.Plan.Name}/{name}: its note is of {manifest.SizeBytes} bytes");
        long bytes = ManifestRecord.LengthOf(manifest);
        Compare(bucket, name, bytes, state.HasSidecar);
        Compare(bucket, Text(new ChunkName(manifest.UploadId, 0)), bytes, hasSidecar: false);
        for (int i = 0; i < manifest.Chunks.Count; i++)
        {
            ManifestChunk chunk = manifest.Chunks[i];
            Compare(bucket, Text(new ChunkName(manifest.UploadId, chunk.Number)), chunk.SizeBytes, hasSidecar: false);
        }
    }

    private static string Text(ChunkName file) => Encoding.UTF8.GetString(file.ToObjectName().Utf8.Span);

    private void Compare(BucketModel bucket, string name, long? bytes, bool hasSidecar)
    {
        string plan = bucket.Plan.Name;
        ulong digest = Hrw.Digest(HistoryClient.NameOf(bucket).UnamePrefix.Span, Encoding.UTF8.GetBytes(name));
        (int heads, int slices) = (bucket.Plan.Protection, bytes) switch
        {
            (_, null) => (0, 0),
            (Protection.Plain, _) => (1, 0),
            (Protection.TwoCopies, _) => (2, 0),
            _ => (3, bytes >= HistoryMaker.SlicedFrom ? 6 : 0),
        };
        int sidecars = hasSidecar ? heads : 0;
        int headsFound = _heads.RemoveAll(head => head.Bucket == plan && head.Name == name && head.Bytes == (slices > 0 ? 0 : bytes));
        int slicesFound = _slices.RemoveAll(slice => slice.Bucket == plan && slice.Digest == digest);
        int sidecarsFound = _sidecars.RemoveAll(sidecar => sidecar.Bucket == plan && sidecar.Digest == digest);
        HistoryWorld.Refuse((headsFound, slicesFound, sidecarsFound) == (heads, slices, sidecars), "redundancy",
            $"{plan}/{name.Replace('\0', '~')}, {bytes?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "no"} bytes: {headsFound} heads, {slicesFound} slices, {sidecarsFound} sidecars instead of {heads}, {slices}, {sidecars}");
    }
}
