using System.Buffers;
using System.Text;
using Sluice.Native.Tests.Support;
using static Sluice.Native.Libc;

namespace Sluice.Native.Tests.Calls;

/// <summary>Calls on one open file: what is written is read, and each refusal comes back with the kernel's own number.</summary>
public sealed class FileCallTests
{
    private const int Closed = 1 << 20; // beyond RLIMIT_NOFILE's hard limit: never open

    [Fact]
    public void WhatIsWrittenInPiecesIsReadBackAtAnyOffset()
    {
        using var directory = new TempDirectory();
        int file = directory.Open("f", OpenMode.CreateNew);
        ReadOnlySequence<byte> pieces = Pieces("one", "", "two", "three");
        Assert.Equal(Errno.None, Write(file, pieces, 5, out int written));
        Assert.Equal(11, written);
        var buffer = new byte[32];
        Assert.Equal(Errno.None, Read(file, buffer, 0, out int count));
        Assert.Equal("\0\0\0\0\0onetwothree", Encoding.ASCII.GetString(buffer, 0, count));
        Assert.Equal(Errno.None, Read(file, buffer.AsSpan(0, 3), 8, out count));
        Assert.Equal("two", Encoding.ASCII.GetString(buffer, 0, count));
        Assert.Equal(Errno.None, Read(file, buffer, 16, out count));
        Assert.Equal(0, count);
        Assert.Equal(Errno.None, Sync(file));
        Assert.Equal(Errno.None, SyncFileSystem(file));
    }

    [Fact]
    public void ASequenceOfManyPiecesIsWrittenInPartAndCanBeContinued()
    {
        using var directory = new TempDirectory();
        int file = directory.Open("f", OpenMode.CreateNew);
        string text = string.Concat(Enumerable.Range(0, 300).Select(i => $"{i:d3}"));
        ReadOnlySequence<byte> rest = Pieces([.. Enumerable.Range(0, 300).Select(i => $"{i:d3}")]);
        long offset = 0;
        int calls = 0;
        while (!rest.IsEmpty)
        {
            Assert.Equal(Errno.None, Write(file, rest, offset, out int written));
            Assert.True(written > 0);
            rest = rest.Slice(written);
            offset += written;
            calls++;
        }

        Assert.Equal(5, calls); // 64 pieces each
        Assert.Equal(text, directory.Read("f"));
    }

    [Fact]
    public void ErrorsOfReadingAndWritingAreKept()
    {
        using var directory = new TempDirectory();
        directory.Write("f", "x");
        int readOnly = directory.Open("f", OpenMode.Read);
        Assert.Equal(Errno.EBADF, Write(readOnly, Pieces("y"), 0, out int count));
        Assert.Equal(0, count);
        Assert.Equal(Errno.EBADF, Read(Closed, new byte[1], 0, out _));
        Assert.Equal(Errno.EBADF, Sync(Closed));
        Assert.Equal(Errno.EBADF, SyncFileSystem(Closed));
        Assert.Equal(Errno.EBADF, Stat(Closed, out _));
        Assert.Equal(Errno.EBADF, StatFileSystem(Closed, out _));
        Assert.Equal(Errno.EBADF, TryLock(Closed));
        Assert.Equal(Errno.EINVAL, Read(readOnly, new byte[1], -1, out _));
        Assert.Equal(Errno.EISDIR, Read(directory.Descriptor, new byte[1], 0, out _));
        int writable = directory.Open("f", OpenMode.ReadWrite);
        Assert.Equal(Errno.EFBIG, Write(writable, Pieces("y"), long.MaxValue - 1, out _));
        Assert.Equal("x", directory.Read("f"));
    }

    [Fact]
    public void AFullDeviceAnswersEnospc()
    {
        Assert.Equal(Errno.None, OpenDirectory("/dev", out int devices));
        try
        {
            Assert.Equal(Errno.None, OpenBeneath(devices, "full"u8, OpenMode.ReadWrite, out int full));
            Assert.Equal(Errno.ENOSPC, Write(full, Pieces("y"), 0, out int count));
            Assert.Equal(0, count);
            Close(full);
        }
        finally
        {
            Close(devices);
        }
    }

    [Fact]
    public void AnAttributeIsSetReplacedAndRead()
    {
        using var directory = new TempDirectory();
        int file = directory.Open("f", OpenMode.CreateNew);
        var value = new byte[16];
        Assert.Equal(Errno.ENODATA, GetXattr(file, "user.slu\0"u8, value, out int count));
        Assert.Equal(0, count);
        Assert.Equal(Errno.None, SetXattr(file, "user.slu\0"u8, "first value"u8));
        Assert.Equal(Errno.None, SetXattr(file, "user.slu\0"u8, "second"u8));
        Assert.Equal(Errno.None, GetXattr(file, "user.slu\0"u8, value, out count));
        Assert.Equal("second", Encoding.ASCII.GetString(value, 0, count));
        Assert.Equal(Errno.ENODATA, GetXattr(file, "user.slt\0"u8, value, out _));
        Assert.Equal(Errno.ERANGE, GetXattr(file, "user.slu\0"u8, value.AsSpan(0, 5), out _));
        Assert.Equal(Errno.EOPNOTSUPP, SetXattr(file, "nothing.slu\0"u8, "x"u8));
        Assert.Equal(Errno.EBADF, SetXattr(Closed, "user.slu\0"u8, "x"u8));
        Assert.Equal(Errno.EBADF, GetXattr(Closed, "user.slu\0"u8, value, out _));
    }

    [Fact]
    public void AnAttributesNameThatDoesNotEndWithNulIsADefect()
    {
        using var directory = new TempDirectory();
        int file = directory.Open("f", OpenMode.CreateNew);
        Assert.Throws<ArgumentException>(() => SetXattr(file, "user.slu"u8, "x"u8));
        Assert.Throws<ArgumentException>(() => GetXattr(file, [], new byte[1], out _));
    }

    [Fact]
    public void AFileIsLockedForOneOpenFileAndFreeWhenThatIsClosed()
    {
        using var directory = new TempDirectory();
        int one = directory.Open("f", OpenMode.CreateNew);
        Assert.Equal(Errno.None, OpenBeneath(directory.Descriptor, "f"u8, OpenMode.ReadWrite, out int other));
        Assert.Equal(Errno.None, TryLock(other));
        Assert.Equal(Errno.None, TryLock(other));
        Assert.Equal(Errno.EAGAIN, TryLock(one));
        Close(other);
        Assert.Equal(Errno.None, TryLock(one));
    }

    [Fact]
    public void StatTellsWhatTheFileIs()
    {
        using var directory = new TempDirectory();
        long before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - 10_000;
        int file = directory.Open("f", OpenMode.CreateNew);
        Assert.Equal(Errno.None, Write(file, Pieces("12345"), 0, out _));
        Assert.Equal(Errno.None, Link(directory.Descriptor, "f"u8, directory.Descriptor, "g"u8));
        Assert.Equal(Errno.None, Stat(file, out FileStat stat));
        Assert.True(stat.IsFile);
        Assert.False(stat.IsDirectory);
        Assert.Equal(5, stat.Size);
        Assert.Equal(2U, stat.Links);
        Assert.Equal(0x8000 | 0x1a4, stat.Mode);
        Assert.All((long[])[stat.ModifiedNs, stat.ChangedNs, stat.AccessedNs], time => Assert.InRange(
            time / 1_000_000, before, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + 10_000));
        Assert.Equal(Errno.None, StatAt(directory.Descriptor, "g"u8, out FileStat other));
        Assert.Equal((stat.Inode, stat.Device), (other.Inode, other.Device));
        Assert.Equal(Errno.None, Stat(directory.Descriptor, out FileStat above));
        Assert.True(above.IsDirectory);
        Assert.NotEqual(stat.Inode, above.Inode);
    }

    [Fact]
    public void StatOfAFileSystemTellsItsKindAndRoom()
    {
        using var directory = new TempDirectory();
        Assert.Equal(Errno.None, StatFileSystem(directory.Descriptor, out FileSystemStat stat));
        var drive = new DriveInfo(directory.Path);
        Assert.Equal(drive.TotalSize, stat.SizeBytes);
        Assert.InRange(stat.FreeBytes, 1, stat.SizeBytes);
        Assert.InRange(stat.FreeFiles, 0, stat.Files);
        Assert.False(stat.ReadOnly);
        Assert.Equal(Errno.None, OpenDirectory("/proc", out int proc));
        Assert.Equal(Errno.None, StatFileSystem(proc, out stat));
        Assert.Equal(0x9fa0, stat.Magic);
        Close(proc);
    }

    private static ReadOnlySequence<byte> Pieces(params string[] texts)
    {
        var first = new Segment(TempDirectory.Bytes(texts[0]), null);
        Segment last = first;
        foreach (string text in texts.Skip(1))
        {
            last = new Segment(TempDirectory.Bytes(text), last);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(byte[] bytes, Segment? before)
        {
            Memory = bytes;
            if (before is not null)
            {
                RunningIndex = before.RunningIndex + before.Memory.Length;
                before.Next = this;
            }
        }
    }
}
