// Create the account here, and store the click id with it.
export async function POST(request) {
  const form = await request.formData();
  return Response.json({ email: form.get("email"), click_id: form.get("click_id") || null });
}
