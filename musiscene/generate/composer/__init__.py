"""Music by rules: prompt -> plan -> notes -> sound."""
