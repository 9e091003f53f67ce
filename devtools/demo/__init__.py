"""`kontor demo`: every story of the programme, played against real processes on this machine."""
