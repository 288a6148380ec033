using System.Buffers.Binary;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>
/// Commands put before a command, so that it runs where io_uring is refused: a seccomp filter as container runtimes install it. It answers an
/// error to io_uring_setup, io_uring_enter and io_uring_register, and outlives exec (seccomp(2)), so that the process keeps its id.
/// </summary>
public static class RefusedRing
{
    /// <summary>The filter in hexadecimal, then the command. perl-base is on every Debian, and can make any system call.</summary>
    private const string Launcher = """
        my ($filter, @command) = @ARGV;
        syscall(157, 38, 1, 0, 0, 0) == 0 or die "prctl(PR_SET_NO_NEW_PRIVS): $!\n";
        my $instructions = pack("H*", $filter);
        my $program = pack("S x6 P", length($instructions) / 8, $instructions); # struct sock_fprog
        syscall(317, 1, 0, $program) == 0 or die "seccomp(SECCOMP_SET_MODE_FILTER): $!\n";
        exec { $command[0] } @command or die "$command[0]: $!\n";
        """;

    /// <summary>Errors that runtimes answer: EPERM (1), and ENOSYS (38) since they learnt to look like an old kernel.</summary>
    public static readonly Dictionary<string, ushort> Errors = new() { ["EPERM"] = 1, ["ENOSYS"] = 38 };

    /// <summary>What goes before the command.</summary>
    public static string[] Prefix(string error) => ["perl", "-e", Launcher, Convert.ToHexStringLower(Filter(Errors[error]))];

    private static byte[] Filter(ushort error) =>
    [
        .. Instruction(0x20, 0, 0, 4), // BPF_LD | BPF_W | BPF_ABS: seccomp_data.arch
        .. Instruction(0x15, 0, 4, 0xC000003E), // BPF_JEQ AUDIT_ARCH_X86_64, else allow
        .. Instruction(0x20, 0, 0, 0), // seccomp_data.nr
        .. Instruction(0x35, 0, 2, 425), // BPF_JGE io_uring_setup, else allow
        .. Instruction(0x25, 1, 0, 427), // BPF_JGT io_uring_register: allow
        .. Instruction(0x06, 0, 0, 0x0005_0000u | error), // BPF_RET: SECCOMP_RET_ERRNO
        .. Instruction(0x06, 0, 0, 0x7FFF_0000), // SECCOMP_RET_ALLOW
    ];

    /// <summary>struct sock_filter: code, jumps by instructions if true and if false, operand.</summary>
    private static byte[] Instruction(ushort code, byte jumpTrue, byte jumpFalse, uint operand)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, code);
        (bytes[2], bytes[3]) = (jumpTrue, jumpFalse);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), operand);
        return bytes;
    }
}
