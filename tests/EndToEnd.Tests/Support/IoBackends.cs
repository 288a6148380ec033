namespace Sluice.EndToEnd.Tests.Support;

/// <summary>The values of <c>--io</c> that the suite runs over. A backend that is added here is tested by every theory that names this class.</summary>
public static class IoBackends
{
    /// <summary>The ring under network and files, stock sockets with the ring under files, stock sockets with threads.</summary>
    public static readonly string[] All = ["uring", "sockets", "threads"];

    /// <summary>One case a backend.</summary>
    public static TheoryData<string> Each { get; } = new(All);

    /// <summary>One case for each backend and value.</summary>
    public static MatrixTheoryData<string, T> With<T>(IEnumerable<T> values) => new(All, values);
}
