"""Videos and photographs: probe, decode with exact timestamps, resample, encode. No torch."""
