using static Sluice.Native.Uring.UringAbi;

namespace Sluice.Native.Uring;

/// <summary>
/// What a ring needs of the kernel, and the sentence for the operator of one that lacks it. Pure: a kernel's answer in, a sentence or null out.
/// </summary>
internal static class RingRefusal
{
    /// <summary>Room of struct io_uring_probe for every opcode there can be, in bytes.</summary>
    public const int ProbeBytes = ProbeHeadBytes + (ProbeOpcodes * ProbeOpcodeBytes);

    /// <summary>Opcodes that a byte can name.</summary>
    public const int ProbeOpcodes = 256;

    private const int ProbeHeadBytes = 16, ProbeOpcodeBytes = 8, ProbeFlagsAt = 2, IO_URING_OP_SUPPORTED = 1;

    private static readonly RingOpcode[] s_opcodesNeeded = Enum.GetValues<RingOpcode>();

    private static readonly (uint Bit, string Name)[] s_featuresNeeded =
    [
        (IORING_FEAT_SINGLE_MMAP, nameof(IORING_FEAT_SINGLE_MMAP)),
        (IORING_FEAT_NODROP, nameof(IORING_FEAT_NODROP)),
        (IORING_FEAT_SUBMIT_STABLE, nameof(IORING_FEAT_SUBMIT_STABLE)),
        (IORING_FEAT_EXT_ARG, nameof(IORING_FEAT_EXT_ARG)),
        (IORING_FEAT_CQE_SKIP, nameof(IORING_FEAT_CQE_SKIP)),
    ];

    /// <summary>Why io_uring_setup(2) failed.</summary>
    public static string OfSetup(Errno error) => error switch
    {
        Errno.ENOSYS => "io_uring is not in this kernel, or a seccomp filter hides it (io_uring_setup: ENOSYS)",
        Errno.EPERM or Errno.EACCES => $"io_uring is forbidden here, by a seccomp filter or by the sysctl kernel.io_uring_disabled (io_uring_setup: {error})",
        Errno.EINVAL => "io_uring is too old: IORING_SETUP_DEFER_TASKRUN and IORING_SETUP_SINGLE_ISSUER need Linux 6.1 or newer (io_uring_setup: EINVAL)",
        Errno.ENOMEM => "io_uring has no memory for its queues; raise RLIMIT_MEMLOCK or the memory limit (io_uring_setup: ENOMEM)",
        Errno.EMFILE or Errno.ENFILE => $"io_uring gets no descriptor; raise RLIMIT_NOFILE (io_uring_setup: {error})",
        _ => $"io_uring cannot be set up (io_uring_setup: {error})",
    };

    /// <summary>Names the needed features that are not among the offered ones; null when all are there.</summary>
    public static string? OfFeatures(uint offered) =>
        Missing(s_featuresNeeded.Where(feature => (offered & feature.Bit) == 0).Select(feature => feature.Name));

    /// <summary>Names the needed opcodes that the kernel's probe (struct io_uring_probe, of <see cref="ProbeBytes"/>) does not say it supports.</summary>
    public static string? OfOpcodes(ReadOnlySpan<byte> probe)
    {
        List<string> missing = [];
        foreach (RingOpcode opcode in s_opcodesNeeded)
        {
            if ((probe[ProbeHeadBytes + ((int)opcode * ProbeOpcodeBytes) + ProbeFlagsAt] & IO_URING_OP_SUPPORTED) == 0)
            {
                missing.Add(opcode.ToString());
            }
        }

        return Missing(missing);
    }

    private static string? Missing(IEnumerable<string> names)
    {
        string list = string.Join(", ", names);
        return list.Length == 0 ? null : $"io_uring lacks {list}: it needs Linux 6.1 or newer";
    }
}
