// One at a time: each loads the machine as it is, and counts what is mounted.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
