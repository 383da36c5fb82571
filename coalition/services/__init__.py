"""What Coalition does, one verb a function. Services take an open session and never commit; the door does."""
