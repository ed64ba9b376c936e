"""What is heard in a library, written into its files' own tags, and into files for other programs.

Each module is one step: `facts` says what is known of a track, `wishes` which fields hold it, a
sheet of `sheets` is one file's tags in its container's way, `plan` compares them, `rewrite` puts a
changed copy in the place of the file, `journal` remembers what was there before, `runs` does many
files and takes them back, `exports` writes lists and playlists.
"""
