"""Operations that users bring: finding their files, loading them, and saying whose fault a failure is."""
