"""GLSL programs of the renderer.

Attributes of a vertex: place `at`, normal `way`, and `look`: reflectance, glow, iris (1 or 0), kind (0 skin, 1 eyeball,
2 strand, 3 frame of glasses). Light is linear.
"""

VERTEX = """
#version 330
in vec3 at; in vec3 way; in vec4 look;
uniform mat4 camera;
out vec3 place; out vec3 normal; out vec4 what;
void main() { place = at; normal = way; what = look; gl_Position = camera * vec4(at, 1.0); }
"""

DEPTH = """
#version 330
void main() { }
"""

SHADE = """
#version 330
in vec3 place; in vec3 normal; in vec4 what;
uniform sampler2D shadows;   // two by two maps
uniform vec3 viewer;
uniform float ambient;       // light from everywhere
uniform float gloss;         // of the skin
uniform float grain;         // strength of the skin's fine bumps
uniform float cover;         // opacity of a strand
uniform vec4 edge;           // plane: the first light reaches only the side where dot(edge.xyz, place) > edge.w
uniform int count;
uniform mat4 from[4];
uniform vec4 light[4];       // direction and strength
out vec4 colour;

float hash(vec3 q) { q = 17.0 * fract(q * 0.3183099 + 0.1); return fract(q.x * q.y * q.z * (q.x + q.y + q.z)); }
float bumps(vec3 q) {
  vec3 i = floor(q), f = fract(q); f = f * f * (3.0 - 2.0 * f);
  float a = mix(mix(hash(i), hash(i + vec3(1,0,0)), f.x), mix(hash(i + vec3(0,1,0)), hash(i + vec3(1,1,0)), f.x), f.y);
  float b = mix(mix(hash(i + vec3(0,0,1)), hash(i + vec3(1,0,1)), f.x),
                mix(hash(i + vec3(0,1,1)), hash(i + vec3(1,1,1)), f.x), f.y);
  return mix(a, b, f.z) - 0.5;
}
float lit(int i, vec3 q) {
  vec3 s = (from[i] * vec4(q, 1.0)).xyz * 0.5 + 0.5;
  if (any(lessThan(s, vec3(0.005))) || any(greaterThan(s, vec3(0.995)))) return 1.0;
  float sum = 0.0;
  for (int k = 0; k < 2; k++) {
    vec2 near = s.xy + vec2(k - 0.5, 0.5 - k) * 2.0 / 384.0;
    sum += texture(shadows, (near + vec2(i % 2, i / 2)) / 2.0).r > s.z - 0.002 ? 0.5 : 0.0;
  }
  return sum;
}
void main() {
  int kind = int(what.w + 0.5);
  vec3 N = normalize(normal), V = normalize(viewer - place);
  float reflectance = what.x;
  if (kind == 0) {
    float bump = bumps(place * 75.0);
    reflectance *= 1.0 + 1.6 * grain * bump;
    N = normalize(N + grain * bump * vec3(1.0, 0.6, 0.2));
  }
  if (kind == 2) N = V;
  float wrap = kind == 0 ? 0.15 : kind == 2 ? 0.6 : 0.0;
  float shine = kind == 1 ? 400.0 : kind == 3 ? 60.0 : 12.0;
  float diffuse = 0.0, mirrored = 0.0;
  for (int i = 0; i < count; i++) {
    vec3 L = light[i].xyz;
    float e = light[i].w;
    if (i == 0) e *= smoothstep(-0.02, 0.02, dot(edge.xyz, place) - edge.w);
    float facing = (dot(N, L) + wrap) / (1.0 + wrap);
    if (facing <= 0.0) continue;
    if (e <= 0.0) continue;
    e *= lit(i, place + normalize(normal) * 0.012);
    vec3 H = normalize(L + V);
    float fresnel = 0.04 + 0.96 * pow(1.0 - max(dot(H, V), 0.0), 5.0);
    diffuse += e * facing;
    mirrored += e * max(dot(N, L), 0.0) * fresnel * (shine + 2.0) / 8.0 * pow(max(dot(N, H), 0.0), shine);
  }
  // Strands shade each other.
  if (kind == 2) diffuse *= 0.4;
  float out_ = reflectance * (diffuse / 3.14159 + ambient * (0.75 + 0.25 * N.y));
  out_ += (kind == 0 ? gloss : kind == 1 ? 0.35 : kind == 3 ? 0.6 : 0.0) * mirrored / 3.14159;
  if (kind == 1) out_ += what.y + 0.03 * ambient;
  colour = vec4(out_, 0.0, 0.0, kind == 2 ? cover : 1.0);
}
"""

LABEL = """
#version 330
in vec3 place; in vec3 normal; in vec4 what;
uniform float cover;
uniform int left;
out vec4 colour;            // right eyeball, right iris, left eyeball, left iris
void main() {
  int kind = int(what.w + 0.5);
  vec2 seen = vec2(1.0, step(0.5, what.z));
  if (kind == 1) colour = left == 1 ? vec4(0.0, 0.0, seen) : vec4(seen, 0.0, 0.0);
  else if (kind == 2) colour = vec4(1.0 - cover);
  else colour = vec4(0.0);
}
"""
