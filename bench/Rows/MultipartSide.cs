using System.Globalization;
using Sluice.Bench.Clients;

namespace Sluice.Bench.Rows;

/// <summary>How one side of a row of parts stores its object: whole, or in parts.</summary>
internal sealed record MultipartSide(UploadShape Shape)
{
    /// <summary>Properties, behind others, of the bucket of one file: no PUT is split. Whether an object is one file is asked of the server in any case.</summary>
    private const string OneFile = ""","chunks":{"objsize_limit":0}""";

    public static readonly MultipartSide Whole = new(UploadShape.Whole);

    public bool IsWhole => Shape.Parts == 1;

    /// <summary>Name of the contender.</summary>
    public string Name => IsWhole ? "sluice, one file" : string.Create(CultureInfo.InvariantCulture, $"sluice, {Shape.Parts} parts");

    /// <summary>Its bucket; the object in it is o0.</summary>
    public string Bucket => IsWhole ? "whole" : "parts";

    /// <summary>Properties of its bucket.</summary>
    public string Properties(string durability) => $$"""{"durability":"{{durability}}"{{(IsWhole ? OneFile : "")}}}""";
}
