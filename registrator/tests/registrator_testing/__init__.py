"""What the daemon's unit and component tests share: builders, fakes and a clock."""
