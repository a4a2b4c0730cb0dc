"""What a drill writes and reads back: the records and the files of a history."""
