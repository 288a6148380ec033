using Microsoft.Extensions.Logging;
using Sluice.Engine.Io;
using Sluice.Native.Uring;
using Sluice.Server.Settings;

namespace Sluice.Server.Tests;

/// <summary>What the setting io comes to: the ring where it is to be had, threads where not, and a word about it.</summary>
public sealed class OpenedIoTests
{
    private static readonly RingLoopOptions s_good = new() { SubmissionEntries = 8, CompletionEntries = 16 };
    private static readonly RingLoopOptions s_refused = new() { SubmissionEntries = 1 << 20, CompletionEntries = 1 << 21 }; // EINVAL: beyond the kernel's limit

    [Theory]
    [InlineData(IoBackend.Auto, IoBackend.Uring, "uring")]
    [InlineData(IoBackend.Uring, IoBackend.Uring, "uring")]
    [InlineData(IoBackend.Sockets, IoBackend.Sockets, "sockets")]
    public void TheRingIsTakenWithALoopForEachProcessor(IoBackend asked, IoBackend got, string name)
    {
        var log = new Lines();
        using var io = OpenedIo.Open(asked, s_good, log);
        Assert.Equal((got, name), (io.Backend, io.Name));
        Assert.Equal(Environment.ProcessorCount, io.Loops.Count);
        Assert.IsType<UringFileIo>(io.Files);
        Assert.Empty(log.All);
    }

    [Fact]
    public void ThreadsNeedNoRing()
    {
        var log = new Lines();
        using var io = OpenedIo.Open(IoBackend.Threads, s_refused, log);
        Assert.Equal((IoBackend.Threads, "threads", 0), (io.Backend, io.Name, io.Loops.Count));
        Assert.IsType<ThreadFileIo>(io.Files);
        Assert.Empty(log.All);
    }

    [Fact]
    public void WithoutTheRingAutoTakesThreadsAndSaysSoOnce()
    {
        var log = new Lines();
        using var io = OpenedIo.Open(IoBackend.Auto, s_refused, log);
        Assert.Equal((IoBackend.Threads, 0), (io.Backend, io.Loops.Count));
        string line = Assert.Single(log.All);
        Assert.StartsWith("Warning io_uring ", line, StringComparison.Ordinal);
        Assert.EndsWith("threads do the disk I/O instead", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(IoBackend.Uring)]
    [InlineData(IoBackend.Sockets)]
    public void WhatWasAskedForByNameIsHadOrRefused(IoBackend asked) =>
        Assert.Throws<RingUnavailableException>(() => OpenedIo.Open(asked, s_refused, new Lines()));

    private sealed class Lines : ILogger
    {
        public List<string> All { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            All.Add($"{logLevel} {formatter(state, exception)}");
    }
}
