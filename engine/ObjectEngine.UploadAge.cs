using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Io;

namespace Sluice.Engine;

/// <summary>Uploads that nobody goes on with are removed.</summary>
public sealed partial class ObjectEngine
{
    private static readonly TimeSpan s_ageLooksMax = TimeSpan.FromHours(1), s_ageLooksMin = TimeSpan.FromMilliseconds(100);

    private Task _aging = Task.CompletedTask;

    /// <summary>Looks at what is in progress four times in the age, and every hour at least, until the engine closes.</summary>
    private async Task AgeUploadsAsync(TimeSpan age)
    {
        bool areAllKnown = false;
        using var timer = new PeriodicTimer(TimeSpan.FromTicks(Math.Clamp(age.Ticks / 4, s_ageLooksMin.Ticks, s_ageLooksMax.Ticks)), _environment.Time);
        await using CancellationTokenRegistration end = _closing.Token.UnsafeRegister(static timer => ((PeriodicTimer)timer!).Dispose(), timer);
        while (await timer.WaitForNextTickAsync(CancellationToken.None))
        {
            try
            {
                await ExpireAppendsAsync(age);
                areAllKnown = areAllKnown || await SeekUploadsAsync();
                foreach (Upload upload in _uploads.Values)
                {
                    await ExpireAsync(upload, age);
                }
            }
            catch (StorageException fault)
            {
                _log.LogError("uploads that nobody goes on with were not removed: {Fault}", fault.Message);
            }
        }
    }

    /// <summary>Finds what an earlier run left in progress; false when the engine closes meanwhile.</summary>
    private async ValueTask<bool> SeekUploadsAsync()
    {
        foreach (Bucket bucket in _buckets.All)
        {
            foreach (ulong uploadId in await _uploadFiles.UploadsAsync(bucket))
            {
                if (_closing.IsCancellationRequested)
                {
                    return false;
                }

                await SeekUploadAsync(bucket, uploadId);
            }
        }

        return true;
    }

    private async ValueTask ExpireAsync(Upload upload, TimeSpan age)
    {
        const long NanosecondsOfATick = 100;
        if (upload.Note.IsOwn || !upload.TryEndUnused(_clock.NowNs - (age.Ticks * NanosecondsOfATick)))
        {
            return;
        }

        Result given = new Failure(ErrorCode.StorageFailed, "the upload could not be removed");
        try
        {
            given = await GiveUpAsync(upload, _closing.Token);
            _log.LogInformation("{Bucket}/{Name}: upload {Upload}, which nobody went on with for {Age}, is {Done}", upload.Bucket.Name, upload.Note.Name,
                ChunkName.TextOf(upload.Note.UploadId), age, given.Error is { } problem ? "not removed: " + problem.Message : "removed");
        }
        finally
        {
            if (!given.Ok)
            {
                upload.GoOn();
            }
        }
    }
}
