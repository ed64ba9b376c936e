"""MusiScene hears a track and imagines the scenes it suits."""
