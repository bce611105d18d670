#!/usr/bin/env bash
# Makes samples/media again from nothing but numbers: see README.md beside this file.
# Needs ffmpeg with libx264, libx265, libvpx and libwebp, heif-enc, exiftool and python3.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
media=$here/media
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for tool in ffmpeg heif-enc exiftool python3; do
    command -v "$tool" >/dev/null || { echo "make.sh: $tool is missing" >&2; exit 1; }
done

paint() { python3 "$here/paint.py" "$1" "$2" "$3" >"$work/$4.ppm"; }
# -bitexact leaves the encoder's version out of the file, so that a second run differs little.
encode() { ffmpeg -hide_banner -loglevel error -nostdin -y "$@"; }
tag() { exiftool -q -overwrite_original "$@"; }

echo "painting"
paint dawn 1600 1067 dawn &
paint morning 1600 1067 morning &
wait
paint dusk 1600 900 dusk &
paint night 1080 1440 night &
wait
paint dawn 2240 720 dawn-wide &
paint dusk 2240 720 dusk-wide &
wait
paint night 2240 720 night-wide &
paint morning 720 1280 morning-tall &
wait
paint ink 1200 1200 ink &
paint contours 1200 900 contours &
wait

rm -rf "$media"
mkdir -p "$media/Coast" "$media/Studio"
cd "$media"

echo "stills"
encode -i "$work/dawn.ppm" -pix_fmt yuvj420p -q:v 3 -bitexact Coast/dawn-over-the-ridges.jpg
tag -DateTimeOriginal='2024:05:18 05:42:10' -OffsetTimeOriginal=+01:00 \
    -CreateDate='2024:05:18 05:42:10' -Make='Example Optics' -Model='Meridian 2' \
    -LensModel='Meridian 35mm F2' -FNumber=5.6 -ExposureTime=1/250 -ISO=200 -FocalLength=35 \
    -GPSLatitude=57.2736 -GPSLatitudeRef=N -GPSLongitude=6.2155 -GPSLongitudeRef=W \
    -GPSAltitude=84 -GPSAltitudeRef=0 -IPTC:Keywords=dawn -IPTC:Keywords=coast \
    Coast/dawn-over-the-ridges.jpg
encode -i "$work/morning.ppm" -pix_fmt yuvj420p -q:v 3 -bitexact Coast/morning-mist.jpg
tag -DateTimeOriginal='2024:05:18 08:03:55' -OffsetTimeOriginal=+01:00 -Make='Example Optics' \
    -Model='Meridian 2' -LensModel='Meridian 85mm F1.8' -FNumber=4 -ExposureTime=1/500 -ISO=100 \
    -FocalLength=85 -GPSLatitude=57.2801 -GPSLatitudeRef=N -GPSLongitude=6.2290 \
    -GPSLongitudeRef=W Coast/morning-mist.jpg
# Stored lying on its side, with an Orientation that stands it up again.
encode -i "$work/night.ppm" -vf transpose=cclock -pix_fmt yuvj420p -q:v 3 -bitexact Coast/moonrise.jpg
tag -Orientation#=6 -DateTimeOriginal='2024:05:19 23:11:40' -OffsetTimeOriginal=+01:00 \
    -Make='Example Optics' -Model='Pocket 9' -ExposureTime=1/4 -ISO=1600 Coast/moonrise.jpg
encode -i "$work/dusk.ppm" "$work/dusk.png"
heif-enc -q 52 "$work/dusk.png" -o Coast/dusk-harbour.heic >/dev/null
tag -DateTimeOriginal='2024:05:18 21:27:03' -OffsetTimeOriginal=+01:00 -Make='Example Optics' \
    -Model='Pocket 9' -GPSLatitude=57.2710 -GPSLatitudeRef=N -GPSLongitude=6.2101 \
    -GPSLongitudeRef=W Coast/dusk-harbour.heic
encode -i "$work/contours.ppm" -vf palettegen=max_colors=32 "$work/palette.png"
encode -i "$work/contours.ppm" -i "$work/palette.png" -lavfi paletteuse=dither=none \
    -bitexact Studio/contours.png
encode -i "$work/ink.ppm" -c:v libwebp -quality 82 -bitexact Studio/marbled-ink.webp

echo "clips"
# Three shots with cuts at 3 s and 6 s, out of black and back into it, over a slow chord and surf.
pan() { echo "crop=1280:720:x='$1':y=0,setsar=1,fps=25,format=yuv420p"; }
encode -loop 1 -t 3 -r 25 -i "$work/dawn-wide.ppm" -loop 1 -t 3 -r 25 -i "$work/dusk-wide.ppm" \
    -loop 1 -t 3 -r 25 -i "$work/night-wide.ppm" \
    -f lavfi -t 9 -i "aevalsrc='0.16*sin(2*PI*146.83*t)+0.13*sin(2*PI*220*t)+0.10*sin(2*PI*293.66*t)*(1+sin(2*PI*0.33*t))/2+0.07*sin(2*PI*369.99*t)*(1+sin(2*PI*0.21*t+1))/2':s=48000" \
    -f lavfi -t 9 -i "anoisesrc=c=brown:a=0.35:seed=7:r=48000" -filter_complex "
    [0]$(pan '520+t*90')[a];[1]$(pan '420-t*100')[b];[2]$(pan '560+t*80')[c];
    [a][b][c]concat=n=3,fade=in:st=0:d=1,fade=out:st=8.2:d=0.8[v];
    [4]lowpass=f=900,tremolo=f=0.18:d=0.8[surf];
    [3][surf]amix=inputs=2:normalize=0,aformat=channel_layouts=stereo,afade=in:d=1,afade=out:st=7.5:d=1.5[s]" \
    -map '[v]' -map '[s]' -c:v libx264 -preset veryslow -crf 25 -c:a aac -b:a 80k \
    -metadata title='A day on the coast' -metadata creation_time=2024-05-18T04:50:00Z \
    -timecode 04:50:00:00 -movflags +faststart Coast/a-day-on-the-coast.mp4
# A telephone's clip: stored lying down, with a display matrix that stands it up.
encode -loop 1 -t 4 -i "$work/morning-tall.ppm" -f lavfi -t 4 -i "anoisesrc=c=pink:a=0.12:seed=3:r=44100" \
    -filter_complex "[0]scale=792:-2,crop=720:1280:x='t*18':y='64-t*12',setsar=1,fps=30000/1001,transpose=cclock,format=yuv420p[v];
    [1]lowpass=f=1200,tremolo=f=0.3:d=0.7[s]" -map '[v]' -map '[s]' -c:v libx264 -preset veryslow -crf 27 \
    -c:a aac -b:a 48k -metadata creation_time=2024-05-18T07:10:00Z "$work/lying.mov"
encode -i "$work/lying.mov" -c copy -metadata:s:v rotate=270 -metadata creation_time=2024-05-18T07:10:00Z Coast/held-upright.mov
encode -f lavfi -t 6 -i "mandelbrot=s=960x540:r=24:start_x=-0.743643887037151:start_y=0.131825904205330:start_scale=0.06:end_scale=0.004:end_pts=144:maxiter=900:outer=normalized_iteration_count:bailout=40" \
    -vf "gblur=sigma=1.1,format=gray,curves=all=0.1/0 0.35/0.5 0.62/1,format=yuv444p,pseudocolor=preset=magma,format=yuv420p10le,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709" -c:v libx265 -preset slow -x265-params "log-level=error:info=0" \
    -crf 35 -tag:v hvc1 \
    -metadata title='Into the valley' -metadata creation_time=2024-06-02T13:20:00Z -movflags +faststart Studio/into-the-valley.mp4
encode -f lavfi -i "life=s=128x72:r=12:seed=12:mold=24:ratio=0.34:life_color=#f4ead0:death_color=#c8503c:mold_color=#1a1f3c" \
    -f lavfi -i "aevalsrc='0.22*sin(2*PI*(110+55*floor(mod(t*2\,4)))*t)*exp(-6*mod(t\,0.5))':s=48000" \
    -t 5 -vf "trim=start=1,setpts=PTS-STARTPTS,scale=960:540:flags=neighbor,gblur=sigma=3,format=yuv420p" \
    -c:v libvpx-vp9 -b:v 0 -crf 50 -row-mt 1 -deadline good -cpu-used 2 -c:a libopus -b:a 48k \
    -metadata title='Colony' -metadata creation_time=2024-06-03T16:45:00Z Studio/colony.webm

echo "sound"
encode -i "$work/ink.ppm" -vf scale=400:400 -q:v 5 -bitexact "$work/cover.jpg"
encode -f lavfi -t 10 -i "aevalsrc='0.30*sin(2*PI*(196+2*sin(2*PI*5*t))*t)*exp(-0.9*mod(t\,2.5))+0.22*sin(2*PI*246.94*t)*exp(-0.7*mod(t+0.6\,2.5))+0.18*sin(2*PI*293.66*t)*exp(-0.6*mod(t+1.2\,2.5))|0.30*sin(2*PI*196*t)*exp(-0.9*mod(t\,2.5))+0.22*sin(2*PI*246.94*t)*exp(-0.6*mod(t+0.9\,2.5))+0.18*sin(2*PI*392*t)*exp(-0.8*mod(t+1.7\,2.5))':s=44100" \
    -i "$work/cover.jpg" -map 0:a -map 1:v -c:v copy -disposition:v attached_pic \
    -af "afade=in:d=0.2,afade=out:st=8.5:d=1.5" -c:a libmp3lame -b:a 112k -id3v2_version 3 \
    -metadata title='Four slow bells' -metadata artist='Rushes samples' -metadata album='Studio' \
    -metadata date=2024 -metadata genre=Ambient -metadata track=1 -metadata:s:v title='Album cover' \
    -metadata:s:v comment='Cover (front)' Studio/four-slow-bells.mp3
encode -f lavfi -t 4 -i "aevalsrc='0.5*sin(2*PI*(80*4/log(20))*(exp(t/4*log(20))-1))*min(1\,min(t*20\,(4-t)*20))':s=48000" \
    -sample_fmt s16 -compression_level 12 -metadata title='Sweep, 80 Hz to 1.6 kHz' Studio/sweep.flac

echo "sidecars"
cat >Coast/dawn-over-the-ridges.xmp <<'XMP'
<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4" xmp:Label="Green">
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Dawn over the ridges</rdf:li></rdf:Alt></dc:title>
   <dc:subject><rdf:Bag><rdf:li>dawn</rdf:li><rdf:li>coast</rdf:li><rdf:li>golden hour</rdf:li></rdf:Bag></dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
XMP
printf '1\n00:00:00,800 --> 00:00:02,800\nDawn.\n\n2\n00:00:03,200 --> 00:00:05,800\nDusk.\n\n3\n00:00:06,200 --> 00:00:08,500\nNight.\n' \
    >Coast/a-day-on-the-coast.srt

du -cb -- */* | sort -n
