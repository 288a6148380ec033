// What happens to the bucket before and after a run, through the client of control calls.
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Sluice.Contract;
using Sluice.Loader.Flags;
using Sluice.Loader.Names;
using Sluice.Loader.Statistics;

namespace Sluice.Loader.Run;

/// <summary>Makes, lists and destroys the bucket of a run.</summary>
internal sealed class BucketSetup(LoadOptions options, SluiceClient client)
{
    /// <summary>Deletes at once of a remote bucket's clean-up.</summary>
    private const int DeletesAtOnce = 16;

    private static readonly string[] s_appliedProperties = ["mirror", "ec"];

    /// <summary>True for a bucket of the cluster's own: it is made and destroyed; others are neither.</summary>
    private bool IsOwn => options.Bucket.Provider == "ais";

    private string Prefix => options.Subdirectory.Length > 0 ? options.Subdirectory + "/" : "";

    /// <summary>Makes the bucket if there is none, and applies properties.</summary>
    /// <exception cref="StartException">There is nothing to read.</exception>
    public async Task PrepareAsync(CancellationToken token)
    {
        JsonObject? properties = await HeadAsync(token);
        if (properties is null)
        {
            if (!IsOwn)
            {
                throw new StartException($"bucket \"{options.Bucket}\" does not exist, and is not ours to make");
            }

            if (options.PercentPut < 100)
            {
                throw new StartException($"bucket \"{options.Bucket}\" does not exist: a new bucket has nothing to GET; say -pctput=100");
            }

            await client.CreateBucketAsync(options.Bucket, null, token);
            properties = await HeadAsync(token) ?? [];
        }

        if (options.BucketProperties is { } wanted && Changes(wanted, properties) is { Count: > 0 } changes)
        {
            await client.SetBucketPropertiesAsync(options.Bucket, changes, token);
        }
    }

    /// <summary>The names to read, as they stand in request targets: from the file, from the listing, or none.</summary>
    /// <exception cref="StartException">There are more than fit, or none where some are needed.</exception>
    public async Task<NameTable> NamesAsync(CancellationToken token)
    {
        var names = new NameTable();
        if (options.FileList.Length > 0)
        {
            await foreach (string line in File.ReadLinesAsync(options.FileList, token))
            {
                Add(names, line.TrimEnd('\r'));
            }
        }
        else if (!options.SkipList)
        {
            await foreach (ListedObject entry in client.ListAsync(options.Bucket, Query(), token))
            {
                if (!entry.IsDirectory)
                {
                    Add(names, entry.Name);
                }
            }
        }

        return names.Count > 0 || options.PercentPut > 0 ? names
            : throw new StartException($"there is nothing to GET in bucket \"{options.Bucket}\"{(Prefix.Length > 0 ? $" below {Prefix}" : "")}");
    }

    /// <summary>Objects below the prefix that are kept in chunks.</summary>
    public async Task<long> CountChunkedAsync(CancellationToken token)
    {
        long count = 0;
        // The size, which nobody looks at, has the entries' attributes read whichever of them the server shows without it.
        var query = new ListQuery { Prefix = Prefix, Properties = "name,size,chunked" };
        await foreach (ListedObject entry in client.ListAsync(options.Bucket, query, token))
        {
            count += entry.IsChunked ? 1 : 0;
        }

        return count;
    }

    /// <summary>Ends an upload that its worker could not end; one that is gone is no failure.</summary>
    public async Task AbortUploadAsync(string name, string uploadId, CancellationToken token)
    {
        try
        {
            await client.AbortUploadAsync(new UploadAddress(new ObjectAddress(options.Bucket, name), uploadId), token);
        }
        catch (SluiceException failure) when (failure.IsNotFound)
        {
            // The server has ended it, or made its object of it.
        }
    }

    /// <summary>Destroys the bucket, or deletes a remote bucket's objects below the prefix; tells what it did.</summary>
    public async Task<string> CleanUpAsync(CancellationToken token)
    {
        try
        {
            if (IsOwn)
            {
                await client.DestroyBucketAsync(options.Bucket, token);
                return $"Destroyed bucket {options.Bucket}";
            }

            long deleted = 0;
            await Parallel.ForEachAsync(
                client.ListAsync(options.Bucket, Query(), token),
                new ParallelOptions { MaxDegreeOfParallelism = DeletesAtOnce, CancellationToken = token },
                async (entry, each) =>
                {
                    await client.DeleteObjectAsync(new ObjectAddress(options.Bucket, entry.Name), each);
                    Interlocked.Increment(ref deleted);
                });
            return $"Deleted {Cells.Count(deleted)} objects of bucket {options.Bucket}";
        }
        catch (SluiceException failure) when (failure.IsNotFound)
        {
            return $"Bucket {options.Bucket} does not exist: nothing to clean up";
        }
    }

    /// <summary>Of <c>mirror</c> and <c>ec</c> those whose <c>enabled</c> is given and differs from the present one.</summary>
    internal static JsonObject Changes(JsonObject wanted, JsonObject present)
    {
        var changes = new JsonObject();
        foreach (string name in s_appliedProperties)
        {
            if (wanted[name] is JsonObject section && Enabled(section) is { } enabled && enabled != (Enabled(present[name] as JsonObject) ?? false))
            {
                changes[name] = section.DeepClone();
            }
        }

        return changes;
    }

    private static bool? Enabled(JsonObject? section) => section?["enabled"] is JsonValue value && value.TryGetValue(out bool enabled) ? enabled : null;

    private async Task<JsonObject?> HeadAsync(CancellationToken token)
    {
        try
        {
            return await client.HeadBucketAsync(options.Bucket, token);
        }
        catch (SluiceException failure) when (failure.IsNotFound)
        {
            return null;
        }
    }

    private ListQuery Query() => new()
    {
        Prefix = Prefix,
        Properties = "name",
        Flags = ListFlags.NameOnly | (options.Cached ? ListFlags.Cached : ListFlags.None),
    };

    private static void Add(NameTable names, string name)
    {
        if (name.Length == 0)
        {
            return;
        }

        byte[] escaped = Encoding.ASCII.GetBytes(PercentEncoding.Escape(name, keepSlash: true));
        if (escaped.Length > NewNames.NameBytesMax)
        {
            throw new StartException($"the name that begins with \"{name[..32]}\" is longer than an object's name may be");
        }

        if (!names.TryAdd(escaped))
        {
            throw new StartException(string.Create(
                CultureInfo.InvariantCulture,
                $"there are more names than the {Cells.Count(NameTable.CountMax)} that a loader keeps; read a part of them with -subdir or -filelist"));
        }
    }
}
