// The table of all settings. A new setting is a row here and a property of ServerSettings; flag, variable, key, help and output follow.
using System.Net;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Space;

namespace Sluice.Server.Settings;

/// <summary>Every setting that the server has.</summary>
public static class SettingsTable
{
    /// <summary>Least memory budget: 64 MiB. Below, the caches would be smaller than one listing page of 10,000 entries.</summary>
    public const long MemoryBytesMin = 64L << 20;

    /// <summary>Where to serve when nobody says: loopback, so that nothing is open to a network by accident.</summary>
    public static readonly IPEndPoint ListenDefault = new(IPAddress.Loopback, 8080);

    /// <summary>Variables of the client, which the server leaves alone.</summary>
    public static readonly IReadOnlyList<string> ClientVariables = ["SLUICE_ENDPOINT", "SLUICE_CA", "SLUICE_CLIENT_CERT", "SLUICE_CLIENT_KEY", "SLUICE_INSECURE"];

    /// <summary>Names the file of settings; the file itself cannot.</summary>
    public const string ConfigFlag = "--config";

    /// <summary>The same as a variable.</summary>
    public const string ConfigVariable = "SLUICE_CONFIG";

    internal static readonly Setting<string> Mountpath = new()
    {
        Name = "mountpath",
        Unit = "DIR",
        Shape = SettingShape.List,
        Help = "Directory that holds objects, one for each drive; repeat it.",
        DefaultHelp = "none; serve needs one",
        Parse = SettingParsers.Directory,
        Format = path => path,
        Defaults = _ => [],
    };

    internal static readonly Setting<IPEndPoint> Listen = new()
    {
        Name = "listen",
        Unit = "HOST:PORT",
        Help = "IP address and port to serve on; 0.0.0.0 is every address, port 0 any free port.",
        DefaultHelp = ListenDefault.ToString(),
        Parse = SettingParsers.EndPoint,
        Format = endPoint => endPoint.ToString(),
        Defaults = _ => [ListenDefault],
    };

    internal static readonly Setting<string> TlsCert =
        PemPath("tls-cert", "PEM file of the certificate and its chain; serves TLS only. Read again when it changes.");

    internal static readonly Setting<string> TlsKey = PemPath("tls-key", "PEM file of the certificate's private key, not encrypted.");

    internal static readonly Setting<string> TlsClientCa =
        PemPath("tls-client-ca", "PEM file of authorities; clients must show a certificate of one of them.");

    internal static readonly Setting<bool> AllowSharedDisk =
        Switch("allow-shared-disk", "Accept several mountpaths on one file system; they fail together.");

    internal static readonly Setting<bool> NameIndex =
        Switch("name-index", "Keep indexes of names and sizes beside the directories, for listings of large buckets. What it costs a PUT is not measured yet.");

    internal static readonly Setting<bool> AllowMoved =
        Switch("allow-moved", "Accept a mountpath that was recorded at another path.");

    internal static readonly Setting<bool> AllowDegraded =
        Switch("allow-degraded", "Start without mountpaths of the set that are missing or fail.");

    internal static readonly Setting<SpaceMarks> SpaceMarksSetting = new()
    {
        Name = "space-marks",
        Unit = "CLEANUP,LOW,HIGH,FULL",
        Help = "How full a mountpath may be, in percent; nothing more is stored from FULL on.",
        DefaultHelp = SpaceMarks.Default.ToString(),
        Parse = SettingParsers.Marks,
        Format = marks => marks.ToString(),
        Defaults = _ => [SpaceMarks.Default],
    };

    internal static readonly Setting<TimeSpan> HealthInterval = Duration(
        "health-interval",
        TimeSpan.FromSeconds(10),
        new(TimeSpan.FromMilliseconds(50), TimeSpan.FromHours(1)),
        "How often each mountpath is looked at: is it there, and is it slow.");

    internal static readonly Setting<string> ForgetMountpath = new()
    {
        Name = "forget-mountpath",
        Unit = "UUID",
        Shape = SettingShape.List,
        Help = "Identity of a mountpath that is gone for good; repeat it.",
        DefaultHelp = "none",
        Parse = SettingParsers.Uuid,
        Format = uuid => uuid,
        Defaults = _ => [],
    };

    internal static readonly Setting<string> PromoteRoot = new()
    {
        Name = "promote-root",
        Unit = "DIR",
        Shape = SettingShape.List,
        Help = "Directory whose files clients may have promoted to objects; repeat it. Who may write there decides what they read.",
        DefaultHelp = "none; promote is refused",
        Parse = SettingParsers.PromoteRoot,
        Format = path => path,
        Defaults = _ => [],
    };

    internal static readonly Setting<long> Memory = new()
    {
        Name = "memory",
        Unit = "SIZE",
        Help = "Memory budget, from which caches and buffers are cut.",
        DefaultHelp = "a quarter of the machine or of its cgroup",
        Parse = SettingParsers.Memory,
        Format = SettingParsers.ExactSize,
        Defaults = machine => [Math.Max(machine.UsableMemoryBytes / 4 >> 20 << 20, MemoryBytesMin)], // whole MiB, so that it prints short
    };

    internal static readonly Setting<int> RequestsMax = new()
    {
        Name = "requests-max",
        Unit = "COUNT",
        Shape = SettingShape.Optional,
        Help = "Requests that are answered at once; as many more wait, up to 5 s, and further ones get 503.",
        DefaultHelp = "as many as the memory is for: 128 with 64MiB, 1254 with 6GiB",
        Parse = SettingParsers.RequestCount,
        Format = count => count.ToString(System.Globalization.CultureInfo.InvariantCulture),
        Defaults = _ => [],
    };

    internal static readonly Setting<IoBackend> Io = new()
    {
        Name = "io",
        Unit = "auto|uring|sockets|threads",
        Help = "Disks and network by io_uring, disks alone (sockets), or neither; auto takes uring where it is to be had, else threads.",
        DefaultHelp = "auto",
        Parse = SettingParsers.Io,
        Format = SettingParsers.NameOf,
        Defaults = _ => [IoBackend.Auto],
    };

    internal static readonly Setting<LogFormat> LogFormatSetting = new()
    {
        Name = "log-format",
        Unit = "text|json",
        Help = "How log lines on standard error are written.",
        DefaultHelp = "text",
        Parse = SettingParsers.Format,
        Format = SettingParsers.NameOf,
        Defaults = _ => [LogFormat.Text],
    };

    internal static readonly Setting<LogLevel> LogLevelSetting = new()
    {
        Name = "log-level",
        Unit = "LEVEL",
        Help = "Least level that is logged: trace, debug, info, warn, error, critical or none.",
        DefaultHelp = "info",
        Parse = SettingParsers.Level,
        Format = SettingParsers.NameOf,
        Defaults = _ => [LogLevel.Information],
    };

    internal static readonly Setting<TimeSpan> DrainDeadline = Duration(
        "drain-deadline",
        TimeSpan.FromSeconds(30),
        new(TimeSpan.Zero, TimeSpan.FromHours(1)),
        "How long requests may go on after SIGTERM.");

    internal static readonly Setting<TimeSpan> ClientTimeout = Duration(
        "client-timeout",
        TimeSpan.FromMinutes(2),
        new(TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)),
        "How long a client may neither give nor take a byte before its connection is broken.");

    internal static readonly Setting<TimeSpan> FlushInterval = Duration(
        "flush-interval",
        TimeSpan.FromSeconds(1),
        new(TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1)),
        "How long a relaxed write may wait for its flush.");

    internal static readonly Setting<TimeSpan> UploadAge = Duration(
        "upload-age",
        TimeSpan.FromHours(168),
        new(TimeSpan.Zero, TimeSpan.FromHours(24 * 365)),
        "How long an upload in parts may lie unused before it is removed; 0 keeps it.");

    /// <summary>All settings, in the order that help and <c>sluice config</c> show them.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        Mountpath, Listen, TlsCert, TlsKey, TlsClientCa, AllowSharedDisk, AllowMoved, AllowDegraded, ForgetMountpath, Memory, RequestsMax, Io,
        LogFormatSetting, LogLevelSetting, DrainDeadline, ClientTimeout, FlushInterval, UploadAge, SpaceMarksSetting, HealthInterval, PromoteRoot, NameIndex,
    ];

    private static Setting<string> PemPath(string name, string help) => new()
    {
        Name = name,
        Unit = "FILE",
        Shape = SettingShape.Optional,
        Help = help,
        DefaultHelp = "none",
        Parse = SettingParsers.File,
        Format = path => path,
        Defaults = _ => [],
    };

    private static Setting<bool> Switch(string name, string help) => new()
    {
        Name = name,
        Unit = "true|false",
        Shape = SettingShape.Switch,
        Help = help,
        DefaultHelp = "false",
        Parse = SettingParsers.Boolean,
        Format = SettingParsers.NameOf,
        Defaults = _ => [false],
    };

    private static Setting<TimeSpan> Duration(string name, TimeSpan duration, DurationRange range, string help) => new()
    {
        Name = name,
        Unit = "DURATION",
        Help = help,
        DefaultHelp = Contract.DurationText.Format(duration),
        Parse = text => SettingParsers.Duration(text, range),
        Format = Contract.DurationText.Format,
        Defaults = _ => [duration],
    };
}
