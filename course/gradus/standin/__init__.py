"""What serves in later units until a student's own code has passed its checks: the same interfaces, on PyTorch."""
