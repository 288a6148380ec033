using System.Runtime.InteropServices;

namespace Sluice.Native.Codecs;

/// <summary>Imports of libxxhash: linked statically into the AOT binary (Native.targets), a shared object under the JIT (LibraryResolver.cs).</summary>
internal static unsafe partial class XxHashImports
{
    internal const string Library = "xxhash";

    [LibraryImport(Library)]
    internal static partial ulong XXH64(byte* data, nuint length, ulong seed);

    [LibraryImport(Library)]
    internal static partial nint XXH64_createState();

    [LibraryImport(Library)]
    internal static partial int XXH64_freeState(nint state);

    [LibraryImport(Library)]
    internal static partial int XXH64_reset(nint state, ulong seed);

    [LibraryImport(Library)]
    internal static partial int XXH64_update(nint state, byte* data, nuint length);

    [LibraryImport(Library)]
    internal static partial ulong XXH64_digest(nint state);

    [LibraryImport(Library)]
    internal static partial ulong XXH3_64bits(byte* data, nuint length);

    [LibraryImport(Library)]
    internal static partial nint XXH3_createState();

    [LibraryImport(Library)]
    internal static partial int XXH3_freeState(nint state);

    [LibraryImport(Library)]
    internal static partial int XXH3_64bits_reset(nint state);

    [LibraryImport(Library)]
    internal static partial int XXH3_64bits_update(nint state, byte* data, nuint length);

    [LibraryImport(Library)]
    internal static partial ulong XXH3_64bits_digest(nint state);
}

/// <summary>64-bit xxHash (XXH64): the reference implementation.</summary>
public static unsafe class XxHash64
{
    /// <summary>Digest of a span.</summary>
    public static ulong Hash(ReadOnlySpan<byte> data, ulong seed = 0)
    {
        fixed (byte* start = data)
        {
            // SAFETY: the span is pinned and bounds the read.
            return XxHashImports.XXH64(start, (nuint)data.Length, seed);
        }
    }
}

/// <summary>XXH3 with 64 bits: the reference implementation.</summary>
public static unsafe class XxHash3
{
    /// <summary>Digest of a span, seed 0.</summary>
    public static ulong Hash(ReadOnlySpan<byte> data)
    {
        fixed (byte* start = data)
        {
            // SAFETY: the span is pinned and bounds the read.
            return XxHashImports.XXH3_64bits(start, (nuint)data.Length);
        }
    }
}

/// <summary>A running XXH64 (seed 0) or XXH3. One user at a time; reusable after <see cref="Reset"/>. Disposing frees the native state.</summary>
public sealed unsafe class XxHashStream : SafeHandle
{
    private readonly bool _three;

    private XxHashStream(bool three)
        : base(0, ownsHandle: true)
    {
        _three = three;
        SetHandle(three ? XxHashImports.XXH3_createState() : XxHashImports.XXH64_createState());
        if (IsInvalid)
        {
            throw new InsufficientMemoryException("libxxhash could not allocate a state");
        }

        Reset();
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>A running XXH64, seed 0.</summary>
    public static XxHashStream New64() => new(three: false);

    /// <summary>A running XXH3, 64 bits.</summary>
    public static XxHashStream New3() => new(three: true);

    /// <summary>Begins anew.</summary>
    public void Reset() => _ = _three ? XxHashImports.XXH3_64bits_reset(handle) : XxHashImports.XXH64_reset(handle, 0);

    /// <summary>Takes more data.</summary>
    public void Append(ReadOnlySpan<byte> data)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        fixed (byte* start = data)
        {
            // SAFETY: the span is pinned and bounds the read; the state is not disposed and has one user.
            _ = _three
                ? XxHashImports.XXH3_64bits_update(handle, start, (nuint)data.Length)
                : XxHashImports.XXH64_update(handle, start, (nuint)data.Length);
        }
    }

    /// <summary>Digest of everything since the last reset; more may follow.</summary>
    public ulong Digest()
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        return _three ? XxHashImports.XXH3_64bits_digest(handle) : XxHashImports.XXH64_digest(handle);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        _ = _three ? XxHashImports.XXH3_freeState(handle) : XxHashImports.XXH64_freeState(handle);
        return true;
    }
}
