"""Files people read and files machines read, all made from a `Result`."""
