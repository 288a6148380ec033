namespace Sluice.EndToEnd.Tests.Support;

/// <summary>A body whose length is not told before.</summary>
internal sealed class UnknownLength(byte[] bytes) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) => stream.WriteAsync(bytes).AsTask();

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
