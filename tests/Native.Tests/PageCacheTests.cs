using System.Text;
using Sluice.Native.Tests.Support;

namespace Sluice.Native.Tests;

/// <summary>Residency of pages, on the file system of the build, which is on a disk: memory has no cold pages.</summary>
public sealed class PageCacheTests : IDisposable
{
    private const int Bytes = 1 << 20;
    private readonly DirectoryInfo _home = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "pages-" + Guid.NewGuid().ToString("N")));
    private readonly int _file;

    public PageCacheTests()
    {
        string path = Path.Combine(_home.FullName, "file");
        File.WriteAllBytes(path, [.. Enumerable.Range(0, Bytes).Select(static i => (byte)(i % 251))]);
        Assert.Equal(Errno.None, Libc.OpenDirectory(_home.FullName, out int directory));
        Assert.Equal(Errno.None, Libc.OpenBeneath(directory, "file"u8, Libc.OpenMode.ReadWrite, out _file));
        Libc.Close(directory);
    }

    [Fact]
    public void WhatWasReadIsResidentUntilItIsDropped()
    {
        byte[] buffer = new byte[Bytes];
        Assert.Equal(Errno.None, Libc.Read(_file, buffer, 0, out int read));
        Assert.Equal(Bytes, read);
        Assert.True(PageCache.IsResident(_file, 0, Bytes));
        Assert.True(PageCache.IsResident(_file, 4095, 2));
        Assert.Equal(Errno.None, PageCache.ReadResident(_file, buffer.AsSpan(0, 1000), 500, out int resident));
        Assert.Equal(1000, resident);
        Assert.Equal(500 % 251, buffer[0]);
        Kernel.DropPages(_file);
        Assert.False(PageCache.IsResident(_file, 0, Bytes));
        Assert.False(PageCache.IsResident(_file, 8191, 2));
        Assert.Equal(Errno.EAGAIN, PageCache.ReadResident(_file, buffer, 0, out resident));
        Assert.Equal(0, resident);
        Assert.True(PageCache.IsResident(_file, 0, 0)); // nothing is always there
    }

    [Fact]
    public void TheEndOfTheFileIsNoWait()
    {
        Assert.Equal(Errno.None, PageCache.ReadResident(_file, new byte[10], Bytes, out int count));
        Assert.Equal(0, count);
        Assert.Equal(Errno.None, Libc.Read(_file, new byte[Bytes], 0, out _));
        Assert.Equal(Errno.None, PageCache.ReadResident(_file, new byte[10], Bytes - 3, out count));
        Assert.Equal(3, count);
    }

    [Fact]
    public void AFileSystemThatDoesNotKnowAnswersAgain()
    {
        Assert.Equal(Errno.None, Libc.OpenDirectory("/proc", out int directory));
        Assert.Equal(Errno.None, Libc.OpenBeneath(directory, Encoding.ASCII.GetBytes("version"), Libc.OpenMode.Read, out int file));
        Assert.Equal(Errno.EAGAIN, PageCache.ReadResident(file, new byte[10], 0, out _));
        Assert.False(PageCache.IsResident(file, 0, 10));
        Libc.Close(file);
        Libc.Close(directory);
    }

    public void Dispose()
    {
        Libc.Close(_file);
        _home.Delete(recursive: true);
    }
}
