#!/usr/bin/env python3
"""Makes the small files in media/ again, from FFmpeg's generators alone: see README.md.

Needs ffmpeg with libx264, libx265, libvpx, libaom, libopus, libvorbis, libmp3lame and libwebp,
heif-enc and exiftool. Other versions of them give other bytes: run record.py afterwards.
"""
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MEDIA = os.path.join(HERE, "media")

# Encoders of one thread write the same bytes each time.
QUIET = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-filter_threads", "1"]
SAME = ["-threads", "1", "-bitexact"]
X265 = "-preset ultrafast -x265-params log-level=error:info=0:pools=none:frame-threads=1"


def picture(rate, frames, size="160x90"):
    """FFmpeg's arguments for so many frames of its test pattern."""
    return ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate},trim=end_frame={frames}"]


def colored(how):
    """The same options with colours given to the pictures, where every FFmpeg reads them.

    As options of an encoder, newer ones leave them out of the file.
    """
    options, given = shlex.split(how), []
    # ProRes would have them in every frame: this clip has them in the container alone.
    if "prores_ks" in options:
        return options
    for name, of_filter in (("-color_primaries", "color_primaries"), ("-color_trc", "color_trc"),
                            ("-colorspace", "colorspace"), ("-color_range", "range")):
        if name in options:
            at = options.index(name)
            value = {"gamma28": "bt470bg"}.get(options[at + 1], options[at + 1])
            given.append(f"{of_filter}={value}")
            del options[at:at + 2]
    if given:
        chain = ["setparams=" + ":".join(given)]
        if "-vf" in options:
            at = options.index("-vf")
            chain.insert(0, options[at + 1])
            del options[at:at + 2]
        options = ["-vf", ",".join(chain)] + options
    return options


def sound(expression, rate, secs, layout):
    """The same for a sound, one expression a channel."""
    source = f"aevalsrc='{expression}':s={rate}:d={secs}:c={layout}"
    return ["-f", "lavfi", "-i", source]


HUM = sound("0.2*sin(2*PI*220*t)", 48000, 0.75, "mono")
PAIR = sound("0.2*sin(2*PI*220*t)|0.2*sin(2*PI*330*t)", 48000, 0.5, "stereo")
SIX = sound("|".join(f"0.1*sin(2*PI*{hz}*t)" for hz in range(200, 800, 100)), 48000, 0.2, "5.1")

# Name, inputs, and how they are encoded.
CLIPS = [
    ("pq.mkv", picture("24000/1001", 12),
     f"-c:v libx265 {X265}:hdr10=1:max-cll=1000,400:master-display="
     "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1) -pix_fmt yuv420p10le "
     "-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -color_range tv "
     "-metadata title=Night -metadata:s:v:0 language=jpn"),
    ("hlg.mp4", picture("50", 10),
     f"-c:v libx265 {X265} -pix_fmt yuv420p10le -tag:v hvc1 -color_primaries bt2020 "
     "-color_trc arib-std-b67 -colorspace bt2020nc -color_range tv"),
    ("profile-8.mp4", picture("30", 6),
     f"-c:v libx265 {X265} -pix_fmt yuv420p10le -tag:v hvc1 -color_primaries bt2020 "
     "-color_trc arib-std-b67 -colorspace bt2020nc -color_range tv"),
    ("variable-rate.mkv", picture("25", 40),
     "-vf 'select=not(mod(n\\,3))+lt(n\\,20)' -fps_mode vfr -c:v libx264 -preset ultrafast "
     "-pix_fmt yuv420p"),
    ("variable-rate.mp4", picture("30", 40),
     "-vf 'select=not(mod(n\\,4))+lt(n\\,16)' -fps_mode vfr -c:v libx264 -bf 0 -pix_fmt yuv420p"),
    ("drop-frame.mov", picture("30000/1001", 15) + PAIR,
     "-t 0.5 -c:v libx264 -bf 2 -g 12 -pix_fmt yuv420p -c:a pcm_s24le -timecode 01:02:03;04 "
     "-metadata:s:a:0 language=fra"),
    ("intermediate.mov", picture("24", 4),
     "-c:v prores_ks -profile:v 3 -pix_fmt yuv422p10le -color_primaries bt709 -color_trc bt709 "
     "-colorspace bt709 -timecode 23:59:58:12"),
    ("telephone.mov", picture("30", 12) + HUM,
     "-t 0.4 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -colorspace bt709 -color_primaries "
     "bt709 -color_trc bt709 -color_range tv -c:a aac -b:a 48k -movflags use_metadata_tags "
     "-metadata com.apple.quicktime.make=Example -metadata com.apple.quicktime.model='Slate 3' "
     "-metadata com.apple.quicktime.software=7.1 "
     "-metadata com.apple.quicktime.creationdate=2024-07-04T21:15:30-0330 "
     "-metadata com.apple.quicktime.location.ISO6709=-33.8568+151.2153+005.0/ "
     "-metadata creation_time=2024-07-05T00:45:30Z"),
    ("anamorphic.mp4", picture("25", 10, "144x112"),
     "-vf setsar=64/45 -c:v libx264 -preset ultrafast -flags +ilme+ildct -pix_fmt yuv420p "
     "-color_primaries bt470bg -color_trc gamma28 -colorspace bt470bg -color_range tv"),
    ("full-range.mp4", picture("60", 12),
     "-c:v libx264 -preset ultrafast -pix_fmt yuvj422p -colorspace smpte170m "
     "-metadata date=2023-11-05 -metadata comment='Take two'"),
    ("fragmented.mp4", picture("25", 20) + HUM,
     "-t 0.8 -c:v libx264 -preset ultrafast -g 5 -pix_fmt yuv420p -c:a aac -b:a 48k "
     "-movflags frag_keyframe+empty_moov"),
    ("broadcast.ts", picture("25", 10, "176x144") + PAIR,
     "-t 0.4 -c:v mpeg2video -aspect 16:9 -c:a mp2 -b:a 64k -metadata:s:a:0 language=deu"),
    ("camera.avi", picture("15", 10) + HUM, "-t 0.6 -c:v mjpeg -q:v 12 -c:a pcm_s16le -ar 16000"),
    ("tape.mxf", picture("25", 5) + HUM,
     "-t 0.2 -c:v mpeg2video -pix_fmt yuv422p -c:a pcm_s24le -timecode 10:00:00:00"),
    ("archive.mkv", picture("30000/1001", 4) + PAIR,
     "-t 0.13 -c:v ffv1 -level 3 -pix_fmt yuv422p10le -c:a flac -metadata title='Reel 4' "
     "-metadata:s:a:0 language=deu -metadata:s:a:0 title=Dialogue"),
    ("av1.mkv", picture("25", 5),
     "-c:v libaom-av1 -cpu-used 8 -row-mt 0 -crf 50 -pix_fmt yuv420p -color_range tv "
     "-colorspace bt709 -color_primaries bt709 -color_trc iec61966-2-1"),
    ("old.webm", picture("12", 6), "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 100k"),
    ("animated.gif", picture("10", 5, "64x48"), ""),
    ("animated.png", picture("8", 4, "64x48"), "-f apng -plays 0"),
    ("album.m4a", PAIR,
     "-c:a alac -metadata title=Interval -metadata artist=Nobody -metadata date=2021-03-04"),
    ("surround.flac", SIX,
     "-c:a flac -sample_fmt s32 -bits_per_raw_sample 24 -metadata title=Six -metadata date=2020"),
    ("speech.opus", HUM, "-c:a libopus -b:a 24k -metadata title=Hum -metadata artist=Nobody"),
    ("pair.ogg", PAIR, "-c:a libvorbis -q:a 2 -metadata title=Fifth -metadata artist=Nobody"),
    ("location.wav", sound("0.2*sin(2*PI*220*t)|0.1*sin(2*PI*550*t)", 96000, 0.125, "stereo"),
     "-c:a pcm_s24le -write_bext 1 -metadata description='Slate 12, take 2' "
     "-metadata origination_date=2022-09-08 -metadata origination_time=07:06:05"),
    ("tone.aiff", HUM, "-t 0.25 -c:a pcm_s16be -write_id3v2 0 -metadata title=Tone"),
    ("bell.mp3", HUM, "-c:a libmp3lame -q:a 6 -id3v2_version 4 -metadata title=Bell "
     "-metadata date=2019-08-07"),
    ("cinema.ac3", SIX, "-c:a ac3 -b:a 384k"),
    ("sixteen.png", picture("1", 1), "-pix_fmt rgb48be -frames:v 1 -update 1"),
    ("negative.tif", picture("1", 1), "-pix_fmt rgb48le -frames:v 1 -update 1 -compression_algo lzw"),
    ("deep.avif", picture("1", 1),
     "-c:v libaom-av1 -cpu-used 8 -still-picture 1 -pix_fmt yuv420p10le -color_primaries bt2020 "
     "-color_trc smpte2084 -colorspace bt2020nc -color_range tv"),
    ("mirrored.jpg", picture("1", 1), "-pix_fmt yuvj444p -q:v 8 -frames:v 1 -update 1"),
    ("lossless.webp", picture("1", 1, "64x48"), "-c:v libwebp -lossless 1 -frames:v 1"),
]

# heif-enc makes this one of mirrored.jpg once that has its tags. It copies the orientation's tag
# and writes no transform, so that the picture is shown as it is stored.
PICTURE = "unturned.heic"

# What exiftool writes into which file.
TAGS = [
    ("mirrored.jpg",
     "-Orientation#=7 -Make=Example -Model='Slate 3' -LensModel='Slate 24mm' -Software=7.1 "
     "-DateTimeOriginal='2024:02:29 23:59:58' -SubSecTimeOriginal=078 -OffsetTimeOriginal=-03:30 "
     "-GPSLatitude=33.8568 -GPSLatitudeRef=S -GPSLongitude=151.2153 -GPSLongitudeRef=E "
     "-GPSAltitude=12.5 -GPSAltitudeRef#=1 -XMP-dc:Title=Harbour -XMP-dc:Subject=harbour "
     "-XMP-dc:Subject=steps -XMP-xmp:Rating=4 -XMP-dc:Description='Below the quay' "
     "-IPTC:Keywords=quay"),
    ("negative.tif",
     "-Orientation#=3 -Make=Example -Model='Drum 1' -ImageDescription='Plate 9' "
     "-CreateDate='1998:12:31 08:00:01' -XMP-dc:Title=Plate"),
    ("sixteen.png", "-PNG:Title=Pattern -XMP-xmp:CreateDate=2023-04-05T06:07:08+09:00"),
    ("lossless.webp", "-XMP-dc:Title=Swatch -XMP-dc:Subject=colour -ExifIFD:DateTimeOriginal="
     "'2022:01:02 03:04:05'"),
    (PICTURE, "-XMP-xmp:Rating=2"),
]


def run(command, folder):
    """Runs a command in a folder; a failure ends everything."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def turn(path, quarters):
    """Writes the display matrix of two or three quarter turns into the first track (tkhd)."""
    numbers = {2: (-1, 0, 0, -1), 3: (0, -1, 1, 0)}[quarters]
    with open(path, "r+b") as file:
        start = file.read().index(b"tkhd") + 44
        for place, number in zip((0, 1, 3, 4), numbers):
            file.seek(start + 4 * place)
            file.write((number << 16).to_bytes(4, "big", signed=True))


def bits(*fields):
    """Numbers of so many bits each, one after the other, as bytes."""
    text = "".join(format(number, f"0{width}b") for number, width in fields)
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


def hdr10_plus(folder, name):
    """A clip with the dynamic metadata of SMPTE ST 2094-40 in a SEI message before each picture.

    The message is registered user data (ITU-T T.35, as CTA-861 annex S has it); the numbers are of
    a scene whose brightest pixels have 1,000 candelas per square metre.
    """
    percentiles = [(1, 20), (5, 40), (10, 60), (25, 80), (50, 100), (75, 2000), (90, 4000),
                   (95, 8000), (99, 10000)]
    message = bytes([0xB5, 0, 0x3C, 0, 1, 4, 1]) + bits(
        (1, 2), (400, 27), (0, 1), (10000, 17), (10000, 17), (10000, 17), (1200, 17), (9, 4),
        *[field for percentage, value in percentiles for field in ((percentage, 7), (value, 17))],
        (0, 10), (0, 1), (0, 1), (0, 1))
    sei = bytes([39 << 1, 1, 4, len(message)]) + message + b"\x80"
    # A start code must not be seen within (H.265, 7.4.2).
    escaped = bytearray()
    for byte in sei:
        if byte <= 3 and escaped[-2:] == b"\0\0":
            escaped.append(3)
        escaped.append(byte)
    # Pictures in the order of their times, which a stream without a container does not tell.
    how = (f"-c:v libx265 {X265}:bframes=0:hdr10=1 -pix_fmt yuv420p10le -color_primaries bt2020 "
           "-color_trc smpte2084 -colorspace bt2020nc -color_range tv")
    run(QUIET + picture("24", 8) + colored(how) + SAME + ["plain.hevc"], folder)
    path = os.path.join(folder, "plain.hevc")
    with open(path, "rb") as file:
        units = file.read().replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]
    with open(path, "wb") as file:
        for unit in units:
            # Types below 32 are slices; the first of a picture begins with a one.
            if unit[0] >> 1 & 63 < 32 and unit[2] & 128:
                file.write(b"\0\0\0\1" + escaped)
            file.write(b"\0\0\0\1" + unit)
    wrap = ["-r", "24", "-i", "plain.hevc", "-c", "copy", "-tag:v", "hvc1"]
    run(QUIET + wrap + SAME + [name], folder)
    os.remove(path)


def dolby_vision(path):
    """Says in an MP4 that its HLG is Dolby Vision 8.4, as telephones record it.

    The box is the configuration record of "Dolby Vision Streams Within the ISO Base Media File
    Format"; it goes to the end of the sample entry, and the boxes around it grow.
    """
    record = bytes([1, 0]) + bits((8, 7), (4, 6), (1, 1), (0, 1), (1, 1), (4, 4), (0, 28)) + bytes(16)
    box = (8 + len(record)).to_bytes(4, "big") + b"dvvC" + record
    with open(path, "rb") as file:
        data = bytearray(file.read())
    for name in [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"hvc1"]:
        start = data.rindex(name) - 4
        size = int.from_bytes(data[start:start + 4], "big")
        data[start:start + 4] = (size + len(box)).to_bytes(4, "big")
    # Its media come before the index, so that no offset changes.
    data[start + size:start + size] = box
    with open(path, "wb") as file:
        file.write(data)


def main():
    """Makes everything in a folder of its own, then puts that in the place of the old one."""
    with tempfile.TemporaryDirectory() as work:
        folder = os.path.join(work, "media")
        os.mkdir(folder)
        for name, inputs, how in CLIPS:
            run(QUIET + inputs + colored(how) + SAME + [name], folder)
        turn(os.path.join(folder, "telephone.mov"), 3)
        turn(os.path.join(folder, "hlg.mp4"), 2)
        hdr10_plus(folder, "dynamic.mp4")
        dolby_vision(os.path.join(folder, "profile-8.mp4"))
        for name, how in TAGS:
            if name == PICTURE:
                run(["heif-enc", "-q", "30", "-o", name, "mirrored.jpg"], folder)
            run(["exiftool", "-q", "-overwrite_original", *shlex.split(how), name], folder)
        shutil.rmtree(MEDIA, ignore_errors=True)
        shutil.copytree(folder, MEDIA)
    sizes = [os.path.getsize(os.path.join(MEDIA, name)) for name in os.listdir(MEDIA)]
    print(f"{len(sizes)} files, {sum(sizes)} bytes in {MEDIA}")


if __name__ == "__main__":
    main()
