using Sluice.Engine;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;

namespace Sluice.Simulation.Tests.Histories;

/// <summary>An upload in progress as it is known from outside: its parts that were acknowledged, which are there behind a start.</summary>
public sealed class UploadModel(BucketModel bucket, string name, string id)
{
    private readonly SortedDictionary<string, NameModel>? _names = bucket.Names;
    private readonly SortedDictionary<int, (byte[] Content, bool IsDurable)> _parts = [];

    public BucketModel Bucket { get; } = bucket;

    public string Name { get; } = name;

    public string Id { get; } = id;

    /// <summary>The bucket that it was begun in is there.</summary>
    public bool IsThere => _names is not null && ReferenceEquals(_names, Bucket.Names);

    /// <summary>A part is sent: until it is answered it may be what it was before, or that.</summary>
    public void Send(int number) => _parts.Remove(number);

    /// <summary>It was acknowledged; <paramref name="isDurable"/> says whether a power cut spares it.</summary>
    public void Acknowledge(int number, byte[] content, bool isDurable) => _parts[number] = (content, isDurable);

    /// <summary>The power is gone.</summary>
    public void Cut()
    {
        foreach (int number in _parts.Where(static part => !part.Value.IsDurable).Select(static part => part.Key).ToList())
        {
            _parts.Remove(number);
        }
    }

    /// <summary>What is not as it was acknowledged; null when everything is.</summary>
    public string? Problem(Result<UploadProgress> found)
    {
        if (!found.Ok)
        {
            return found.Error!.Message;
        }

        foreach ((int number, (byte[] content, _)) in _parts)
        {
            UploadedPart part = found.Value.Parts.FirstOrDefault(part => part.Number == number);
            if (part.SizeBytes != content.Length || Digest.Of(part.Checksum.Type, content) != part.Checksum)
            {
                return part.Number == 0 ? $"part {number} is missing" : $"part {number} is another one";
            }
        }

        return null;
    }
}
