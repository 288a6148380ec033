// First signal: order. Second signal: the end.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Sluice.Server.Tests;

public sealed class ShutdownSignalsTests
{
    [Theory]
    [InlineData(PosixSignal.SIGTERM, PosixSignal.SIGTERM, 143)]
    [InlineData(PosixSignal.SIGINT, PosixSignal.SIGINT, 130)]
    [InlineData(PosixSignal.SIGTERM, PosixSignal.SIGINT, 130)]
    public void FirstSignalCancelsAndSecondEndsTheProcess(PosixSignal first, PosixSignal second, int code)
    {
        var codes = new List<int>();
        using var signals = new ShutdownSignals(codes.Add);
        using var stopping = new ManualResetEventSlim();
        using CancellationTokenRegistration registration = signals.Stopping.Register(stopping.Set);
        Assert.False(signals.Stopping.IsCancellationRequested);

        signals.Receive(first);
        Assert.True(stopping.Wait(TimeSpan.FromSeconds(10)));
        Assert.Empty(codes);

        signals.Receive(second);
        Assert.Equal([code], codes);
    }

    [Fact]
    public void CallbackThatBlocksDoesNotHoldBackTheSecondSignal()
    {
        using var ended = new ManualResetEventSlim();
        using var signals = new ShutdownSignals(_ => ended.Set());
        bool wasInTime = false;
        using var finished = new ManualResetEventSlim();
        using CancellationTokenRegistration registration = signals.Stopping.Register(() =>
        {
            wasInTime = ended.Wait(TimeSpan.FromSeconds(10));
            finished.Set();
        });

        signals.Receive(PosixSignal.SIGTERM);
        signals.Receive(PosixSignal.SIGTERM);

        Assert.True(finished.Wait(TimeSpan.FromSeconds(20)));
        Assert.True(wasInTime);
    }

    [Fact]
    public void RealSignalOfTheKernelIsTaken()
    {
        using var signals = new ShutdownSignals(_ => { });
        using var stopping = new ManualResetEventSlim();
        using CancellationTokenRegistration registration = signals.Stopping.Register(stopping.Set);

        using Process kill = Process.Start("kill", ["-TERM", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();

        Assert.True(stopping.Wait(TimeSpan.FromSeconds(10)));
    }
}
