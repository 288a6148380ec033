namespace Sluice.Native.Uring;

/// <summary>io_uring, or a part of it that is needed, is not to be had on this machine. The message is a sentence for its operator.</summary>
public sealed class RingUnavailableException(string message) : Exception(message);
