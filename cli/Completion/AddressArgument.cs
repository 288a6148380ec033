using System.CommandLine;

namespace Sluice.Cli.Completion;

/// <summary>What an argument names, for who completes it.</summary>
internal enum AddressKind
{
    /// <summary>A bucket, with or without its scheme.</summary>
    Bucket,

    /// <summary>An object, a directory of objects, or a bucket on the way to them.</summary>
    Object,
}

/// <summary>An argument whose values are on the server.</summary>
internal interface IAddressArgument
{
    /// <summary>What it names.</summary>
    AddressKind Kind { get; }

    /// <summary>False for a command line in which it names a file after all.</summary>
    Func<ParseResult, bool> IsAddress { get; }
}

/// <summary>An argument that names a bucket, an object or several.</summary>
internal sealed class AddressArgument<T>(string name, AddressKind kind) : Argument<T>(name), IAddressArgument
{
    /// <inheritdoc/>
    public AddressKind Kind => kind;

    /// <inheritdoc/>
    public Func<ParseResult, bool> IsAddress { get; init; } = static _ => true;
}
