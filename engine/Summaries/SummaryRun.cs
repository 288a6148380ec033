using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;

namespace Sluice.Engine.Summaries;

/// <summary>The counting of some buckets by one job: written by its workers, read by who polls. Any thread.</summary>
internal sealed class SummaryRun(IReadOnlyList<Bucket> buckets, ReadOnlyMemory<byte> prefix)
{
    private readonly Lock _gate = new();
    private readonly Tally[] _tallies = [.. buckets.Select(bucket => new Tally(bucket))]; // guarded by _gate
    private bool _isComplete; // guarded by _gate

    /// <summary>The buckets, in order of their names.</summary>
    public IReadOnlyList<Bucket> Buckets => buckets;

    /// <summary>What the names begin with.</summary>
    public ReadOnlyMemory<byte> Prefix => prefix;

    /// <summary>The job; set before anybody can ask for it.</summary>
    public Job? Job { get; set; }

    /// <summary>One more object of a bucket, by the bucket's place.</summary>
    public void Count(int index, long contentBytes, long diskBytes)
    {
        lock (_gate)
        {
            _tallies[index].Add(contentBytes, diskBytes);
        }
    }

    /// <summary>Everything is counted.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _isComplete = true;
        }
    }

    /// <summary>What is known now of those of its buckets that are still <paramref name="wanted"/>.</summary>
    public SummaryAnswer Answer(Func<Bucket, bool> wanted, long capacityBytes)
    {
        lock (_gate)
        {
            return new SummaryAnswer(
                _isComplete, _tallies.Any(tally => tally.Objects > 0), [.. _tallies.Where(tally => wanted(tally.Bucket)).Select(tally => tally.Snapshot())], capacityBytes);
        }
    }

    private sealed class Tally(Bucket bucket)
    {
        private long _smallest;
        private long _largest;
        private long _content;
        private long _disk;

        public Bucket Bucket => bucket;

        public long Objects { get; private set; }

        public void Add(long contentBytes, long diskBytes)
        {
            _smallest = Objects == 0 ? contentBytes : Math.Min(_smallest, contentBytes);
            _largest = Math.Max(_largest, contentBytes);
            _content += contentBytes;
            _disk += diskBytes;
            Objects++;
        }

        public BucketSummary Snapshot() => new()
        {
            Bucket = bucket.Name,
            ObjectCount = Objects,
            SmallestBytes = _smallest,
            LargestBytes = _largest,
            ContentBytes = _content,
            DiskBytes = _disk,
        };
    }
}

/// <summary>
/// The summaries that can be asked for by the id of their job: those that run, and those that ended, the oldest of which go when there are too many. Any thread.
/// </summary>
internal sealed class SummaryTable
{
    /// <summary>Buckets of all kept summaries together: 65,536 x some 150 bytes, 10 MB.</summary>
    private const int BucketsMax = 64 << 10;

    private readonly Lock _gate = new();
    private readonly List<SummaryRun> _runs = []; // guarded by _gate: in order of their start

    /// <summary>Keeps one that has its job.</summary>
    public void Add(SummaryRun run)
    {
        lock (_gate)
        {
            _runs.Add(run);
            int excess = _runs.Sum(kept => kept.Buckets.Count + 1) - BucketsMax;
            for (int i = 0; i < _runs.Count - 1 && excess > 0;)
            {
                if (_runs[i].Job!.IsRunning)
                {
                    i++;
                    continue;
                }

                excess -= _runs[i].Buckets.Count + 1;
                _runs.RemoveAt(i);
            }
        }
    }

    /// <summary>The summary that the job makes; null when it is not known, or not any more.</summary>
    public SummaryRun? Find(string jobId)
    {
        lock (_gate)
        {
            return _runs.Find(run => run.Job!.Id == jobId);
        }
    }
}
