namespace Sluice.Endurance.Tests.Crash;

/// <summary>The judge of the crash matrix is shown stores that lose and invent.</summary>
public sealed class NameHistoryTests
{
    [Fact]
    public void AnAcknowledgedStateOrALaterAttemptMayBeThere()
    {
        var history = new NameHistory();
        Assert.Equal(Verdict.Fine, history.Judge(NameHistory.Absent, isAfterPowerCut: true));
        int first = history.Put();
        Assert.Equal(Verdict.Fine, history.Judge(NameHistory.Absent, isAfterPowerCut: true));
        Assert.Equal(Verdict.Fine, history.Judge(first, isAfterPowerCut: true));
        history.Acknowledge(isDurable: true);
        int second = history.Put();
        Assert.Equal(Verdict.Fine, history.Judge(first, isAfterPowerCut: true));
        Assert.Equal(Verdict.Fine, history.Judge(second, isAfterPowerCut: true));
        Assert.Equal(Verdict.Lost, history.Judge(NameHistory.Absent, isAfterPowerCut: true));
        Assert.Equal(Verdict.Unknown, history.Judge(second + 1, isAfterPowerCut: true));
        history.Acknowledge(isDurable: true);
        Assert.Equal(Verdict.Lost, history.Judge(first, isAfterPowerCut: true));
    }

    [Fact]
    public void ADeleteThatWasAcknowledgedStaysOne()
    {
        var history = new NameHistory();
        int first = history.Put();
        history.Acknowledge(isDurable: true);
        history.Delete();
        Assert.Equal(Verdict.Fine, history.Judge(first, isAfterPowerCut: true));
        history.Acknowledge(isDurable: true);
        Assert.Equal(Verdict.Lost, history.Judge(first, isAfterPowerCut: true));
        history.Settle(NameHistory.Absent);
        Assert.Equal(Verdict.Lost, history.Judge(first, isAfterPowerCut: true));
        Assert.NotEqual(first, history.Put());
    }

    [Fact]
    public void WhatIsRelaxedSurvivesAKillAndAPowerCutOnlyWhenItIsFlushed()
    {
        var history = new NameHistory();
        history.Settle(NameHistory.Absent);
        int first = history.Put();
        history.Acknowledge(isDurable: false);
        Assert.Equal(Verdict.Fine, history.Judge(NameHistory.Absent, isAfterPowerCut: true));
        Assert.Equal(Verdict.Lost, history.Judge(NameHistory.Absent, isAfterPowerCut: false));
        history.Flushed();
        Assert.Equal(Verdict.Lost, history.Judge(NameHistory.Absent, isAfterPowerCut: true));
        Assert.Equal(Verdict.Fine, history.Judge(first, isAfterPowerCut: true));
    }

    [Fact]
    public void AByteThatIsWrongOrMissingIsTorn()
    {
        byte[] content = Attempts.Content("bucket/name", 7);
        Assert.Equal(7, Attempts.NumberOf("bucket/name", content, out _));
        Assert.Null(Attempts.NumberOf("bucket/name", content.AsSpan(1), out _));
        Assert.Null(Attempts.NumberOf("bucket/name", content.AsSpan(0, content.Length - 1), out _));
        Assert.Null(Attempts.NumberOf("bucket/other", content, out _));
        Assert.Null(Attempts.NumberOf("bucket/name", new byte[content.Length], out _));
        Attempts.Content("bucket/name", 8).AsSpan(0, 64).CopyTo(content); // the head of one, the rest of another
        Assert.Null(Attempts.NumberOf("bucket/name", content, out _));
    }

    [Fact]
    public void ADeleteAfterWhatIsDurableMayHaveBeenStoppedHalfWay()
    {
        var history = new NameHistory();
        history.Put();
        history.Acknowledge(isDurable: true);
        Assert.False(history.MayBeHalfDeleted);
        history.Delete();
        Assert.True(history.MayBeHalfDeleted);
        history.Acknowledge(isDurable: true);
        Assert.False(history.MayBeHalfDeleted);
    }
}
