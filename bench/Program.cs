using Sluice.Bench;

return args switch
{
    ["ring"] => RingBench.Run(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: bench ring");
    return 2;
}
