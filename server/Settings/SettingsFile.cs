// The YAML file of settings: one mapping of names to scalars, or to lists of scalars. Read from the parser's events, so that every value
// keeps its line and nothing is mapped by reflection.
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Sluice.Server.Settings;

/// <summary>A value and the line that it stands on, from 1.</summary>
internal sealed record FileValue(string Text, int Line);

/// <summary>A key, its line and its values.</summary>
internal sealed record FileEntry(string Key, int Line, bool IsList, IReadOnlyList<FileValue> Values);

/// <summary>Reads the file's shape; what the keys mean is <see cref="SettingsReader"/>'s business.</summary>
internal sealed class SettingsFile
{
    private const long FileBytesMax = 1 << 20; // a dozen settings; a megabyte is the wrong file

    private readonly string _path;
    private readonly List<FileEntry> _entries = [];
    private readonly List<string> _problems;

    private SettingsFile(string path, List<string> problems)
    {
        _path = path;
        _problems = problems;
    }

    /// <summary>The entries in the file's order; what is wrong goes to <paramref name="problems"/> with its line.</summary>
    public static IReadOnlyList<FileEntry> Read(string path, string origin, List<string> problems)
    {
        string text;
        try
        {
            if (new FileInfo(path).Length > FileBytesMax)
            {
                problems.Add($"{origin}: {path} is larger than {FileBytesMax >> 20} MiB, so it is not a file of settings");
                return [];
            }

            text = File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            string why = Directory.Exists(path) ? "is a directory"
                : error is FileNotFoundException or DirectoryNotFoundException ? "does not exist"
                : "cannot be read";
            problems.Add($"{origin}: {path} {why}");
            return [];
        }

        var file = new SettingsFile(path, problems);
        var parser = new Parser(new StringReader(text));
        try
        {
            file.ReadDocument(parser);
        }
        catch (YamlException error)
        {
            // The end is where the parser stopped; the start may be that of a scalar lines before.
            problems.Add($"{path}:{error.End.Line}: is not YAML: {Sentence(error.Message)}");
        }
        catch (ArgumentOutOfRangeException)
        {
            // Thrown by the runtime within the parser, which does not look at what an escape stands for ("\UFFFFFFFF"); behind what was read last.
            problems.Add($"{path}:{parser.Current?.End.Line ?? 1}: is not YAML: an escape in a text stands for no character");
        }

        return file._entries;
    }

    private void ReadDocument(Parser parser)
    {
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out _))
        {
            return;
        }

        parser.Consume<DocumentStart>();
        if (parser.Accept<Scalar>(out Scalar? empty) && empty!.Value.Length == 0)
        {
            parser.MoveNext();
        }
        else if (parser.TryConsume<MappingStart>(out _))
        {
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                ReadEntry(parser);
            }
        }
        else
        {
            Refuse(parser.Current!, "settings are written as name: value");
            parser.SkipThisAndNestedEvents();
        }

        parser.Consume<DocumentEnd>();
        if (parser.Accept<DocumentStart>(out DocumentStart? second))
        {
            Refuse(second!, "a second document begins here; settings are one document");
        }
    }

    private void ReadEntry(Parser parser)
    {
        if (!parser.TryConsume<Scalar>(out Scalar? key) || key is null)
        {
            Refuse(parser.Current!, "the name of a setting is plain text");
            parser.SkipThisAndNestedEvents();
            parser.SkipThisAndNestedEvents();
            return;
        }

        int line = Line(key);
        if (_entries.Find(entry => entry.Key == key.Value) is { } first)
        {
            Refuse(key, $"{key.Value} is given twice, first in line {first.Line}");
            parser.SkipThisAndNestedEvents();
            return;
        }

        var values = new List<FileValue>();
        bool isList = parser.TryConsume<SequenceStart>(out _);
        if (!isList)
        {
            ReadValue(parser, key.Value, values);
        }

        while (isList && !parser.TryConsume<SequenceEnd>(out _))
        {
            ReadValue(parser, key.Value, values);
        }

        _entries.Add(new FileEntry(key.Value, line, isList, values));
    }

    private void ReadValue(Parser parser, string key, List<FileValue> values)
    {
        if (parser.TryConsume<Scalar>(out Scalar? scalar) && scalar is not null)
        {
            values.Add(new FileValue(scalar.Value, Line(scalar)));
            return;
        }

        Refuse(parser.Current!, $"{key} has a value that is neither text nor a list of texts");
        parser.SkipThisAndNestedEvents();
    }

    private void Refuse(ParsingEvent at, string problem) => _problems.Add($"{_path}:{Line(at)}: {problem}");

    private static int Line(ParsingEvent at) => (int)at.Start.Line;

    private static string Sentence(string message) => message.ReplaceLineEndings(" ").TrimEnd('.');
}
