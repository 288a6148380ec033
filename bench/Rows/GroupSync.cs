namespace Sluice.Bench.Rows;

/// <summary>One call for all threads that ask for it while an earlier one is under way.</summary>
internal sealed class GroupSync(Action call)
{
    private readonly object _gate = new();
    private long _asked, _done;
    private bool _isCalling;

    /// <summary>Returns after a call that began later than this did.</summary>
    public void Wait()
    {
        lock (_gate)
        {
            long mine = ++_asked;
            while (_done < mine)
            {
                if (_isCalling)
                {
                    Monitor.Wait(_gate);
                }
                else
                {
                    CallForAll();
                }
            }
        }
    }

    private void CallForAll()
    {
        long all = _asked;
        _isCalling = true;
        Monitor.Exit(_gate);
        try
        {
            call();
        }
        finally
        {
            Monitor.Enter(_gate);
            _isCalling = false;
            Monitor.PulseAll(_gate);
        }

        _done = all;
    }
}
