using System.Text;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Io;
using Sluice.Engine.Listing;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Native;
using Sluice.Simulation.Tests.Disk;

namespace Sluice.Simulation.Tests.Matrix;

/// <summary>
/// Compares what a reopened engine serves, and what lies on its disks, with what the oracle allows. Each difference is one sentence.
/// </summary>
public sealed class Survey(SimulatedHost host, Oracle oracle, CrashKind kind)
{
    private static readonly string[] s_documents = ["identity", "state", "bmd", "lock"];
    private readonly List<string> _violations = [];

    /// <summary>Files that hold a name without a record are put into quarantine; they are allowed there when attributes may be lost.</summary>
    public bool QuarantineAllowed { get; init; }

    /// <summary>False while requests or their kept files may be under way: only what is served is compared.</summary>
    public bool TreeCompared { get; init; } = true;

    /// <summary>The bucket has erasure coding: an object has several heads, and slices.</summary>
    public bool IsCoded { get; init; }

    /// <summary>A name that is overwritten while its mountpath is away counts its versions from 1 again.</summary>
    public bool VersionsRestart { get; init; }

    /// <summary>Sliced objects have a replica beside their slices.</summary>
    public bool KeepsReplica { get; init; }

    /// <summary>One slice may be missing, or the replica.</summary>
    public bool LosesSlice { get; init; }

    /// <summary>Surveys the engine that was just opened.</summary>
    public async Task<IReadOnlyList<string>> RunAsync()
    {
        BucketLife? life = BucketFound();
        var present = new Dictionary<string, ObjectState>();
        if (life is not null)
        {
            foreach (string name in life.Objects.Keys)
            {
                await CompareAsync(life, name, present);
            }

            foreach ((string from, string to) in life.Moved)
            {
                byte[] content = life.Of(to).Last!.Content;
                if (!((string[])[from, to]).Any(name => present.GetValueOrDefault(name)?.Content.AsSpan().SequenceEqual(content) == true))
                {
                    _violations.Add($"what was renamed from {from} to {to} is under neither name");
                }
            }

            await CompareListAsync(present);
        }

        if (TreeCompared)
        {
            CompareTree(life is not null, present);
        }

        return _violations;
    }

    private BucketLife? BucketFound()
    {
        bool found = host.Engine.HeadBucket(Caller.Anonymous, Session.Bucket).Ok;
        IReadOnlyList<BucketLife?> allowed = oracle.Bucket.Allowed(acknowledgedSurvives: true);
        if (!allowed.Any(life => life is not null == found))
        {
            _violations.Add(found ? "the bucket is there, and was destroyed" : "the bucket is gone");
        }

        return found ? allowed.LastOrDefault(life => life is not null) : null;
    }

    private async Task CompareAsync(BucketLife life, string name, Dictionary<string, ObjectState> present)
    {
        IReadOnlyList<ObjectState?> allowed = Oracle.Allowed(life, name, kind);
        Result<ObjectReader> open = await host.Engine.OpenObjectAsync(Caller.Anonymous, Session.Bucket, ObjectName.From(name));
        if (!open.Ok)
        {
            if (open.Error!.Code != ErrorCode.ObjectNotFound)
            {
                _violations.Add($"{name} is neither old nor new: {open.Error.Message}");
            }
            else if (!allowed.Contains(null))
            {
                _violations.Add($"{name} is gone; allowed: {Describe(allowed)}");
            }

            return;
        }

        using ObjectReader reader = open.Value;
        var content = new byte[reader.SizeBytes];
        Result<int> read = await reader.ReadAsync(content, 0);
        Result verified = await reader.VerifyAsync(0, reader.SizeBytes);
        if (!read.Ok || !verified.Ok)
        {
            _violations.Add($"{name} is torn: {(read.Error ?? verified.Error)!.Message}");
            return;
        }

        Result<ObjectAttributes> head = await host.Engine.HeadObjectAsync(Caller.Anonymous, Session.Bucket, ObjectName.From(name));
        ObjectState? match = allowed.LastOrDefault(state => state is not null && head.Ok
            && IsSame(state, content, head.Value) && IsSame(state, content, reader.Attributes));
        if (match is null)
        {
            _violations.Add($"{name} has version {reader.Attributes.Version}, {content.Length} bytes, {reader.Attributes.Custom.Count} pairs; "
                + $"allowed: {Describe(allowed)}");
            return;
        }

        present.Add(name, match);
    }

    private bool IsSame(ObjectState state, byte[] content, ObjectAttributes attributes) =>
        state.Content.AsSpan().SequenceEqual(content)
        && attributes.SizeBytes == content.Length
        && attributes.Checksum == state.Checksum
        && (attributes.Version == state.Version.ToString() || (VersionsRestart && attributes.Version == "1"))
        && attributes.Custom.SequenceEqual(state.Custom);

    private static string Describe(IEnumerable<ObjectState?> states) => string.Join(" | ", states.Select(state => state?.ToString() ?? "absent"));

    private async Task CompareListAsync(Dictionary<string, ObjectState> present)
    {
        Result<ListPage> page = await host.Engine.ListObjectsAsync(
            Caller.Anonymous, new ListRequest { Bucket = Session.Bucket, PageSize = 100, WithAttributes = true }, CancellationToken.None);
        string listed = page.Ok ? string.Join(' ', page.Value.Entries.Select(entry => Encoding.UTF8.GetString(entry.Name.Span))) : page.Error!.Message;
        string expected = string.Join(' ', present.Keys.Order(StringComparer.Ordinal));
        if (listed != expected && _violations.Count == 0)
        {
            _violations.Add($"the list says \"{listed}\", readers find \"{expected}\"");
        }
    }

    /// <summary>What lies on the disks is what is served, and nothing else: no work file, kept file, sidecar without an object, trash.</summary>
    private void CompareTree(bool hasBucket, Dictionary<string, ObjectState> present)
    {
        var files = new List<string>();
        var sidecars = new List<ulong>();
        var slices = new List<ulong>();
        var heads = new List<(string Name, long Bytes)>();
        foreach ((string path, SimulatedInode inode) in host.Disk.Tree())
        {
            string below = path[(path.IndexOf('/', 5) + 1)..]; // "/sim/0/" is the mountpath
            if (IsKnown(below, inode.Kind, hasBucket))
            {
                continue;
            }

            if (below.StartsWith("@ais/b/%ob/", StringComparison.Ordinal) && inode.Kind == EntryKind.File && hasBucket)
            {
                string name = below["@ais/b/%ob/".Length..];
                files.Add(name.EndsWith("/%o", StringComparison.Ordinal) ? name[..^3] : name);
                heads.Add((files[^1], inode.Data.Length));
            }
            else if (below.StartsWith("@ais/b/%sc/", StringComparison.Ordinal) && hasBucket
                && SidecarFiles.TryReadName(Encoding.Latin1.GetBytes(below["@ais/b/%sc/".Length..]), out ulong digest, out _))
            {
                sidecars.Add(digest);
            }
            else if (IsCoded && below.StartsWith("@ais/b/%ec/", StringComparison.Ordinal)
                && PartName.TryRead(PartKind.Slice, Encoding.Latin1.GetBytes(below["@ais/b/%ec/".Length..]), out PartName part))
            {
                slices.Add(part.Digest);
            }
            else
            {
                _violations.Add($"leaked: {path}");
            }
        }

        if (IsCoded)
        {
            CompareSlices(present, slices, heads);
            files = [.. files.Distinct()];
            sidecars = [.. sidecars.Distinct()];
        }

        if (!files.Order(StringComparer.Ordinal).SequenceEqual(present.Keys.Order(StringComparer.Ordinal)) && _violations.Count == 0)
        {
            _violations.Add($"files \"{string.Join(' ', files)}\" stand for objects \"{string.Join(' ', present.Keys)}\"");
        }

        IEnumerable<ulong> expected = present
            .Where(pair => pair.Value.HasSidecar)
            .Select(pair => Hrw.Digest(Session.Bucket.UnamePrefix.Span, Encoding.UTF8.GetBytes(pair.Key)));
        if (!sidecars.Order().SequenceEqual(expected.Order()) && _violations.Count == 0)
        {
            _violations.Add($"{sidecars.Count} sidecars stand for {expected.Count()} objects that have one");
        }
    }

    /// <summary>
    /// Who is sliced, which his empty heads tell, has every slice once, or lacks one where a scenario lost it; who is not has none. Nobody has more heads than
    /// one for each loss that it survives and one more; a delete that was interrupted leaves fewer of them.
    /// </summary>
    private void CompareSlices(Dictionary<string, ObjectState> present, List<ulong> slices, List<(string Name, long Bytes)> heads)
    {
        int all = Session.Coding.Data + Session.Coding.Parity + (KeepsReplica ? 1 : 0);
        foreach ((string name, ObjectState state) in present)
        {
            bool isSliced = state.Content.Length > 0 && heads.Any(head => head.Name == name && head.Bytes == 0);
            bool isMixed = isSliced && heads.Any(head => head.Name == name && head.Bytes > 0);
            ulong digest = Hrw.Digest(Session.Bucket.UnamePrefix.Span, Encoding.UTF8.GetBytes(name));
            int found = slices.RemoveAll(slice => slice == digest);
            if (isMixed || found > (isSliced ? all : 0) || found < (isSliced ? all - (LosesSlice ? 1 : 0) : 0))
            {
                _violations.Add($"{name} has {found} slices{(isMixed ? ", and whole copies beside them" : isSliced ? "" : ", and is not sliced")}");
            }
        }

        if (slices.Count > 0)
        {
            _violations.Add($"{slices.Count} slices are of no object");
        }

        if (heads.GroupBy(head => head.Name).FirstOrDefault(group => group.Count() > Session.Coding.Parity + 1) is { } many)
        {
            _violations.Add($"{many.Key} has {many.Count()} heads");
        }
    }

    private bool IsKnown(string below, EntryKind entry, bool hasBucket)
    {
        if (entry == EntryKind.File)
        {
            return below.StartsWith(".sluice/", StringComparison.Ordinal)
                && (s_documents.Contains(below[".sluice/".Length..])
                    || (QuarantineAllowed && below.StartsWith(".sluice/quarantine/", StringComparison.Ordinal)));
        }

        // An empty directory left below %ob is harmless: it holds no name and is used or pruned with the next object in it.
        return below is ".sluice" or ".sluice/trash" or ".sluice/quarantine" or "@ais"
            || (hasBucket && (below is "@ais/b" or "@ais/b/%ob" or "@ais/b/%wk" or "@ais/b/%sc" or "@ais/b/%ec" || below.StartsWith("@ais/b/%ob/", StringComparison.Ordinal)));
    }
}
